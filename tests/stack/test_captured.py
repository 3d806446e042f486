"""Functions that nobody starts through the service: their failed asynchronous invocations become runs."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.stack.driver import ECHO, TeamFunction, Workspace, items_of, until
from tests.stack.sources import create, lambda_of, put_event, runs_of

FAILING = "def handler(event, context):\n    raise KeyError('card ' + event['card'])\n"


def capturing(workspace: Workspace, function: TeamFunction) -> str:
    """The id of the trigger that the function's captured runs belong to."""
    registered = workspace.register(function)
    trigger = workspace.trigger(registered)
    body = {"version": 1, "captureFailures": {"triggerId": trigger}}
    answer = workspace.http.put(f"/compute-functions/{registered}", json=body)
    assert (answer.status_code, answer.json()["captureFailures"]) == (200, {"triggerId": trigger})
    return trigger


def send_failures_to(function: TeamFunction, destination: str) -> None:
    function.client.put_function_event_invoke_config(
        FunctionName=function.name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )


def a_record(function_arn: str, **changes: Any) -> dict[str, Any]:
    """As in Lambda's documentation of asynchronous invocations."""
    context = {
        "requestId": str(uuid4()),
        "functionArn": f"{function_arn}:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    record = {
        "version": "1.0",
        "timestamp": "2026-11-24T00:00:00.000Z",
        "requestContext": context,
        "requestPayload": {"n": 1.0},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorType": "ValueError", "errorMessage": "not 1.0"},
    }
    return record | changes


def deliver(workspace: Workspace, *bodies: Any) -> Any:
    """What the entry point gives for a batch of messages."""
    records = [
        {
            "messageId": f"m-{number}",
            "body": body if isinstance(body, str) else json.dumps(body),
            "eventSource": "aws:sqs",
        }
        for number, body in enumerate(bodies)
    ]
    return lambda_of(workspace, "capture_failures", {"Records": records})


@pytest.fixture
def function(workspace: Workspace) -> TeamFunction:
    return TeamFunction(workspace.local_stack).deploy(ECHO)


def test_a_failure_becomes_a_run_which_is_rerun_on_the_fixed_code(workspace: Workspace) -> None:
    function = TeamFunction(workspace.local_stack).deploy(FAILING)
    trigger = capturing(workspace, function)
    send_failures_to(function, workspace.local_stack.outputs["CaptureQueueArn"])
    function.client.invoke(FunctionName=function.name, InvocationType="Event", Payload='{"card": "4111"}')

    (found,) = until(lambda: runs_of(workspace, triggerId=trigger))
    run = workspace.run(found["id"], include="parameters,error")
    assert (run["executionSource"], run["status"], run["errorCode"]) == ("captured", "failure", "KeyError")
    assert run["functionVersion"] == "$LATEST"
    assert run["parameters"] == {"card": "4111"}
    assert "4111" in json.dumps(run["error"])
    assert "4111" not in str([{**item, "sealed": ""} for item in items_of(workspace, run["id"])])

    function.deploy(ECHO)
    rerun = workspace.ended(workspace.rerun(run["id"], reason="fixed"), include="result")
    assert (rerun["status"], rerun["result"], rerun["originalRunId"]) == ("completed", {"card": "4111"}, run["id"])


def test_a_failure_that_comes_by_way_of_a_trusted_bus_becomes_a_run(
    workspace: Workspace, function: TeamFunction
) -> None:
    trigger = capturing(workspace, function)
    kind = "Lambda Function Invocation Result - Failure"
    event = {"source": "lambda", "detail-type": kind, "detail": a_record(function.arn)}
    queue = workspace.local_stack.outputs["CaptureQueueUrl"]
    workspace.local_stack.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    (run,) = until(lambda: runs_of(workspace, triggerId=trigger))
    assert run["errorCode"] == "ValueError"


def test_a_failure_that_anybody_could_have_put_on_the_bus_is_not_believed(
    workspace: Workspace, function: TeamFunction
) -> None:
    trigger = capturing(workspace, function)
    registered = workspace.trigger_document(trigger)["functionId"]
    listening = create(workspace, registered, "event-driven", {"eventPattern": {"source": ["lambda"]}})
    # The tenant's own rule gets it, as it gets every event of its own; nothing is captured from it.
    forged = a_record(function.arn) | {"workspace": workspace.name}
    put_event(workspace, forged, source="lambda", kind="Lambda Function Invocation Result - Failure")
    (run,) = until(lambda: runs_of(workspace))
    assert (run["triggerId"], run["executionSource"]) == (listening["id"], "event")
    workspace.ended(run["id"])
    assert [each["id"] for each in runs_of(workspace)] == [run["id"]]


def test_a_record_that_is_delivered_twice_makes_one_run(workspace: Workspace, function: TeamFunction) -> None:
    trigger = capturing(workspace, function)
    record = a_record(function.arn)
    for _ in range(2):
        assert deliver(workspace, record, record) == {"batchItemFailures": []}
    assert len(runs_of(workspace, triggerId=trigger)) == 1


def test_a_numbered_version_is_pinned(workspace: Workspace, function: TeamFunction) -> None:
    trigger = capturing(workspace, function)
    version = function.client.publish_version(FunctionName=function.name)
    executed = {"statusCode": 200, "executedVersion": version["Version"], "functionError": "Unhandled"}
    deliver(workspace, a_record(function.arn, responseContext=executed))
    function.deploy(FAILING)
    (run,) = runs_of(workspace, triggerId=trigger)
    assert (run["functionVersion"], run["functionCodeHash"]) == (version["Version"], None)
    assert run["functionVersionArn"] == version["FunctionArn"]
    rerun = workspace.ended(workspace.rerun(run["id"]), include="result")
    assert (rerun["functionVersion"], rerun["result"]) == (version["Version"], {"n": 1.0})
    assert rerun["functionCodeHash"] == version["CodeSha256"]


def test_of_a_function_that_does_not_ask_for_it_nothing_is_kept(workspace: Workspace, function: TeamFunction) -> None:
    workspace.trigger(workspace.register(function))
    assert deliver(workspace, a_record(function.arn)) == {"batchItemFailures": []}
    assert runs_of(workspace) == []


def test_capturing_can_be_ended(workspace: Workspace, function: TeamFunction) -> None:
    trigger = capturing(workspace, function)
    registered = workspace.trigger_document(trigger)["functionId"]
    ended = workspace.http.put(f"/compute-functions/{registered}", json={"version": 2, "captureFailures": {}})
    assert "captureFailures" not in ended.json()
    deliver(workspace, a_record(function.arn))
    assert runs_of(workspace) == []


def test_captured_runs_may_belong_to_a_trigger_of_the_function_only(
    workspace: Workspace, function: TeamFunction
) -> None:
    stranger, _ = workspace.trigger_of()
    registered = workspace.register(function)
    for trigger in (stranger, str(uuid4()), "no id"):
        body = {"version": 1, "captureFailures": {"triggerId": trigger}}
        answer = workspace.http.put(f"/compute-functions/{registered}", json=body)
        assert (answer.status_code, answer.json()["field"]) == (400, "captureFailures.triggerId")


@pytest.mark.parametrize("body", ["no json", "[]", "{}", '{"requestContext": 1}'])
def test_a_message_that_cannot_be_understood_fails_alone(
    workspace: Workspace, function: TeamFunction, body: str
) -> None:
    trigger = capturing(workspace, function)
    answer = deliver(workspace, body, a_record(function.arn))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-0"}]}
    assert len(runs_of(workspace, triggerId=trigger)) == 1
