"""Automatic retries on the deployed stack: by the event of a failure, through bus, rule and entry point."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.driver import Workspace, created, keys, table_of, until
from tests.stack.sources import lambda_of, runs_of

FAILS = "def handler(event, context):\n    raise TimeoutError('the warehouse does not answer')\n"
FAILS_TWICE = """
def handler(event, context):
    with open(event['file'], 'a') as file:
        file.write('x')
    if len(open(event['file']).read()) < 3:
        raise KeyError('not yet')
    return {'at last': True}
"""
AT_ONCE = {"initialDelaySeconds": 0, "jitter": "none"}


def retrying_trigger(workspace: Workspace, source: str, **policy: Any) -> str:
    plain, function = workspace.trigger_of(source)
    registered = workspace.trigger_document(plain)["functionId"]
    body = {
        "name": f"retrying {function.name}",
        "functionId": registered,
        "executionType": "on-demand",
        "retryPolicy": AT_ONCE | policy,
    }
    return str(created(workspace.http.post("/function-triggers", json=body))["id"])


def lineage_of(workspace: Workspace, run: str, *, reruns: int) -> list[dict[str, Any]]:
    """The re-runs of a run, once there are so many and all have ended."""

    def whole() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = workspace.history(run)["reruns"]
        return found if len(found) == reruns and all(each["endedAt"] for each in found) else []

    return list(until(whole))


def settled(workspace: Workspace, run: str) -> Callable[[], bool]:
    """Whether nothing is left to do for the run."""
    client, table = table_of(workspace)
    return lambda: "deadline" not in client.get_item(TableName=table, Key=keys(run), ConsistentRead=True)["Item"]


def test_a_run_that_fails_is_retried_until_it_succeeds(workspace: Workspace, tmp_path: Any) -> None:
    trigger = retrying_trigger(workspace, FAILS_TWICE, maxRetries=5)
    run = workspace.execute(trigger, payload={"file": str(tmp_path / "attempts")})
    first, second = lineage_of(workspace, run, reruns=2)
    assert [each["status"] for each in (first, second)] == ["failure", "completed"]
    assert [each["rerunReason"] for each in (first, second)] == [
        "Automatic retry 1 of 5 after KeyError",
        "Automatic retry 2 of 5 after KeyError",
    ]
    assert [each["retryAttempt"] for each in (first, second)] == [1, 2]
    assert {each["rerunBy"] for each in (first, second)} == {"auto-retry"}
    assert [each["sourceRunId"] for each in (first, second)] == [run, first["id"]]
    assert {each["executionSource"] for each in (first, second)} == {"retry"}
    assert workspace.run(second["id"], include="result")["result"] == {"at last": True}


def test_retries_end_when_they_are_exhausted(workspace: Workspace) -> None:
    run = workspace.execute(retrying_trigger(workspace, FAILS, maxRetries=2))
    reruns = lineage_of(workspace, run, reruns=2)
    last = reruns[-1]["id"]
    until(settled(workspace, last))
    assert [each["errorCode"] for each in reruns] == ["TimeoutError"] * 2
    assert len(runs_of(workspace)) == 3
    for each in (run, *(rerun["id"] for rerun in reruns)):
        assert settled(workspace, each)()


def test_an_event_that_is_delivered_again_makes_no_second_retry(workspace: Workspace) -> None:
    run = workspace.execute(retrying_trigger(workspace, FAILS, maxRetries=1))
    (retry,) = lineage_of(workspace, run, reruns=1)
    until(settled(workspace, retry["id"]))
    for each in (run, run, retry["id"]):
        event = {"detail-type": "Function Run Failed", "detail": {"functionRunId": each}}
        assert lambda_of(workspace, "on_run_failed", event) == {"result": "settled before"}
    assert len(runs_of(workspace)) == 2


@pytest.mark.parametrize("event", [{}, {"detail": {}}, {"detail": {"functionRunId": "no-uuid"}}, [], None])
def test_an_event_of_nothing_is_dropped(workspace: Workspace, event: Any) -> None:
    # Raised, it would be delivered twice more, as hopelessly.
    answered = lambda_of(workspace, "on_run_failed", event)
    assert answered["dropped"] in {"INVALID_REQUEST", "INVALID_RUN_ID"}


def test_a_captured_failure_is_retried_too(workspace: Workspace) -> None:
    trigger = retrying_trigger(workspace, FAILS, maxRetries=1)
    document = workspace.trigger_document(trigger)
    function = workspace.http.get(f"/compute-functions/{document['functionId']}").json()
    body = {"version": function["version"], "captureFailures": {"triggerId": trigger}}
    assert workspace.http.put(f"/compute-functions/{function['id']}", json=body).status_code == 200
    record = {
        "requestContext": {
            "requestId": f"request-{workspace.name}",
            "functionArn": f"{function['functionArn']}:$LATEST",
            "condition": "RetriesExhausted",
        },
        "requestPayload": {"order": 1},
        "responseContext": {"executedVersion": "$LATEST"},
        "responsePayload": {"errorType": "KeyError", "errorMessage": "order"},
    }
    queue = workspace.local_stack.outputs["CaptureQueueUrl"]
    workspace.local_stack.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(record))
    (captured,) = until(lambda: [run for run in runs_of(workspace) if run["executionSource"] == "captured"])
    (retry,) = lineage_of(workspace, captured["id"], reruns=1)
    assert retry["rerunReason"] == "Automatic retry 1 of 1 after KeyError"
    assert workspace.run(retry["id"], include="parameters")["parameters"] == {"order": 1}


def test_a_policy_can_be_read_changed_and_ended(workspace: Workspace) -> None:
    trigger = retrying_trigger(workspace, FAILS, maxRetries=2, backoffRate=1.5)
    document = workspace.trigger_document(trigger)
    assert document["retryPolicy"]["backoffRate"] == 1.5
    body = {"version": document["version"], "retryPolicy": {"maxRetries": 0}}
    assert "retryPolicy" not in workspace.http.put(f"/function-triggers/{trigger}", json=body).json()
    run = workspace.execute(trigger)
    workspace.ended(run)
    until(settled(workspace, run))
    assert workspace.history(run)["reruns"] == []
