"""The page that users were promised, sentence by sentence and row by row, over HTTP."""

import json
import re
import shlex
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from handlers.domain import clock
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Part
from handlers.settings import Settings
from handlers.wiring import Wiring
from infra.local.local_stack import LocalStack
from tests.builders import a_run
from tests.stack.driver import Caller, Workspace, an_ended_run, items_of, keys, refusal, table_of

RUN_OF_THE_PAGE = "550e8400-e29b-41d4-a716-446655440000"
ABSENT = "00000000-0000-4000-8000-000000000000"
RUN_ID_FORMS = [
    "not-a-uuid",
    "123",
    "{550e8400-e29b-41d4-a716-446655440000}",
    "%22",
    "a'b",
    "550e8400e29b41d4a716446655440000",
]

CURL = """
curl -X POST \\
'https://api.centrali.io/workspace/my-workspace/api/v1/function-runs/550e8400-e29b-41d4-a716-446655440000/rerun' \\
-H 'Authorization: Bearer YOUR_TOKEN' \\
-H 'Content-Type: application/json' \\
-d '{"reason": "Testing fix for edge case", "overrideParams": {"debugMode": true}}'
"""


@pytest.mark.parametrize("run_id", RUN_ID_FORMS)
def test_invalid_run_id(workspace: Workspace, run_id: str) -> None:
    assert refusal(workspace.post_rerun(run_id)) == (400, "INVALID_RUN_ID", "Invalid run ID.")
    history = workspace.http.get(f"/function-runs/{run_id}/rerun-history")
    assert refusal(history) == (400, "INVALID_RUN_ID", "Invalid run ID.")


def test_run_not_found(workspace: Workspace) -> None:
    assert refusal(workspace.post_rerun(ABSENT)) == (400, "RUN_NOT_FOUND", "Original run not found.")
    history = workspace.http.get(f"/function-runs/{ABSENT}/rerun-history")
    assert refusal(history) == (400, "RUN_NOT_FOUND", "Original run not found.")


def test_wrong_workspace(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    expected = (400, "WRONG_WORKSPACE", "Run does not belong to this workspace.")
    assert refusal(workspace.other().post_rerun(run)) == expected
    assert refusal(workspace.other().http.get(f"/function-runs/{run}/rerun-history")) == expected


def test_orchestration_initiated_runs_are_rerun_elsewhere(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace, orchestrationId="nightly-7")
    workspace.http.delete(f"/function-triggers/{trigger}")

    response = workspace.post_rerun(run)

    assert refusal(response) == (
        400,
        "ORCHESTRATION_RUN",
        "Orchestration-initiated runs must be rerun through the orchestration API.",
    )
    assert response.json()["orchestrationId"] == "nightly-7"
    assert workspace.run(run)["executionSource"] == "orchestration"


def test_no_parameters_stored(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    client, table = table_of(workspace)
    client.delete_item(TableName=table, Key=keys(run, "SEALED#parameters"))
    assert refusal(workspace.post_rerun(run)) == (400, "NO_PARAMETERS", "Original run has no parameters stored.")


def test_trigger_deleted(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace)
    assert workspace.http.delete(f"/function-triggers/{trigger}").json() == {
        "id": trigger,
        "message": "Trigger deleted. Its runs stay, but can no longer be re-run; those of a disabled trigger can.",
    }
    assert refusal(workspace.post_rerun(run)) == (
        400,
        "TRIGGER_NOT_FOUND",
        "Original trigger not found. It may have been deleted.",
    )


def test_trigger_disabled(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace)
    disabled = workspace.http.put(f"/function-triggers/{trigger}", json={"version": 1, "enabled": False})
    assert disabled.status_code == 200
    assert workspace.ended(workspace.rerun(run))["status"] == "completed"


def test_function_deleted(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace)
    function = workspace.run(run)["functionId"]
    deleted = workspace.http.delete(f"/compute-functions/{function}")
    assert (deleted.status_code, deleted.json()["id"]) == (200, function)
    assert "can no longer be re-run" in deleted.json()["message"]
    assert refusal(workspace.post_rerun(run)) == (
        400,
        "FUNCTION_NOT_FOUND",
        f"Function not found for trigger: {trigger}",
    )
    execute = workspace.http.post(f"/function-triggers/{trigger}/execute")
    assert refusal(execute)[2] == f"Function not found for trigger: {trigger}"


Tampering = Callable[[dict[str, Any], dict[str, Any]], None]


def flip_a_bit(_: dict[str, Any], item: dict[str, Any]) -> None:
    damaged = bytearray(item["sealed"]["B"])
    damaged[-1] ^= 1
    item["sealed"]["B"] = bytes(damaged)


def empty_it(_: dict[str, Any], item: dict[str, Any]) -> None:
    item["sealed"]["B"] = b"\0"


def take_anothers(other: dict[str, Any], item: dict[str, Any]) -> None:
    item["sealed"] = other["sealed"]


@pytest.mark.parametrize("tamper", [flip_a_bit, empty_it, take_anothers])
def test_decryption_failed(workspace: Workspace, tamper: Tampering) -> None:
    run, _ = an_ended_run(workspace)
    another, _ = an_ended_run(workspace)
    client, table = table_of(workspace)
    read = [client.get_item(TableName=table, Key=keys(each, "SEALED#parameters"))["Item"] for each in (another, run)]
    tamper(*read)
    client.put_item(TableName=table, Item=read[1])

    expected = (400, "DECRYPTION_FAILED", "Failed to decrypt original run parameters.")
    assert refusal(workspace.post_rerun(run)) == expected


@pytest.mark.parametrize(("part", "of"), [("outcome", "the run itself"), ("parameters", "another workspace")])
def test_a_sealed_part_copied_elsewhere_does_not_open(workspace: Workspace, part: str, of: str) -> None:
    run, _ = an_ended_run(workspace)
    source = run if of == "the run itself" else an_ended_run(workspace.other())[0]
    client, table = table_of(workspace)
    item = next(each for each in items_of(workspace, source) if each["sk"]["S"].startswith(f"SEALED#{part}"))
    client.put_item(TableName=table, Item=item | keys(run, "SEALED#parameters"))

    assert refusal(workspace.post_rerun(run))[2] == "Failed to decrypt original run parameters."


@pytest.fixture
def the_page(local_stack: LocalStack, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The workspace of the page, with the run of the page in it."""
    page = Workspace(local_stack, workspace.connection, name="my-workspace")
    trigger, _ = page.trigger_of()
    for name, value in {
        "AWS_ENDPOINT_URL": local_stack.emulator.url,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    wiring = Wiring(
        Settings(table_name=local_stack.outputs["TableName"], input_key_arn=local_stack.outputs["InputKeyArn"])
    )
    template = page.ended(page.execute(trigger))
    run = a_run(
        id=RUN_OF_THE_PAGE,
        workspace="my-workspace",
        function_id=template["functionId"],
        trigger_id=trigger,
        pin=None,
        expires_at=clock.now() + timedelta(days=1),
    )
    sealed = wiring.cipher.seal(b'{"orderId": "o-1", "debugMode": false}', seal_context(run, Part.PARAMETERS))
    client, table = table_of(page)
    for item in items_of(page, RUN_OF_THE_PAGE):
        client.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
    wiring.recorder.record(run, {Part.PARAMETERS: sealed})
    return page


def send_curl(line: str, page: Workspace) -> dict[str, Any]:
    """A curl line as it stands, but for host and token."""
    words = shlex.split(line.replace("\\\n", " "))
    url = next(word for word in words if word.startswith("https://"))
    options = list(pairwise(words))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    assert headers.pop("Authorization") == "Bearer YOUR_TOKEN"
    body = next(value for option, value in options if option == "-d")
    method = next(value for option, value in options if option == "-X")
    path = re.sub(r"^https://[^/]+", "", url)
    caller = Caller(page.connection, page.local_stack.api_url, page.http.token)
    response = caller.request(method, path, content=body, headers=headers)
    assert response.status_code == 202, response.text
    document: dict[str, Any] = response.json()
    return document


def test_the_curl_line_of_the_page_works_but_for_host_and_token(the_page: Workspace) -> None:
    answer = send_curl(CURL, the_page)
    assert answer["message"] == f"Re-run successfully queued. Original run {RUN_OF_THE_PAGE} has been re-executed."
    rerun = the_page.ended(answer["jobId"], include="parameters")
    assert rerun["parameters"] == {"orderId": "o-1", "debugMode": True}
    assert rerun["rerunReason"] == "Testing fix for edge case"


def test_the_history_of_the_page(the_page: Workspace) -> None:
    rerun = the_page.as_caller("user-uuid", "my-workspace/*:*").rerun(RUN_OF_THE_PAGE, reason="Testing fix")
    the_page.ended(rerun)
    history = the_page.history(RUN_OF_THE_PAGE)
    assert (history["originalRunId"], history["rerunCount"]) == (RUN_OF_THE_PAGE, 1)
    entry = history["reruns"][0]
    promised = ("id", "originalRunId", "isRerun", "rerunBy", "rerunReason", "status")
    assert {field: entry[field] for field in promised} == {
        "id": rerun,
        "originalRunId": RUN_OF_THE_PAGE,
        "isRerun": True,
        "rerunBy": "user-uuid",
        "rerunReason": "Testing fix",
        "status": "completed",
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", entry["createdAt"])


def test_the_request_body_of_the_page(the_page: Workspace) -> None:
    body = (
        '{"useLatestCode": false, "reason": "Retrying after bug fix", "overrideParams": {"customParam": "new value"}}'
    )
    rerun = the_page.ended(the_page.rerun(RUN_OF_THE_PAGE, **json.loads(body)), include="parameters")
    assert rerun["parameters"] == {"orderId": "o-1", "debugMode": False, "customParam": "new value"}


def test_use_latest_code_is_false_unless_asked_for(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of("def handler(event, context):\n    return 'old'\n")
    run = workspace.ended(workspace.execute(trigger))
    function.deploy("def handler(event, context):\n    return 'new'\n")
    results = [
        workspace.ended(workspace.rerun(run["id"], **body), include="result")["result"]
        for body in ({}, {"useLatestCode": False}, {"useLatestCode": True})
    ]
    assert results == ["old", "old", "new"]


def test_the_reason_is_stored_for_audit(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    assert workspace.run(workspace.rerun(run, reason="why"))["rerunReason"] == "why"
    assert workspace.run(workspace.rerun(run))["rerunReason"] is None


def test_override_params_keep_the_rest_from_the_original_run(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace, payload={"a": 1, "b": 2})
    rerun = workspace.run(workspace.rerun(run, overrideParams={"b": 3}), include="parameters")
    assert rerun["parameters"] == {"a": 1, "b": 3}


def test_an_on_demand_run_is_rerun_with_stored_parameters(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace, payload={"stored": True})
    workspace.http.put(
        f"/function-triggers/{trigger}", json={"triggerMetadata": {"params": {"changed": 1}}, "version": 1}
    )
    rerun = workspace.ended(workspace.rerun(run), include="result")
    assert (rerun["triggerType"], rerun["result"]) == ("on-demand", {"stored": True})


def test_all_reruns_point_back_to_the_original_and_not_to_each_other(workspace: Workspace) -> None:
    original, _ = an_ended_run(workspace)
    first = workspace.as_caller("user-123", f"{workspace.name}/*:*").rerun(original)
    second = workspace.as_caller("user-456", f"{workspace.name}/*:*").rerun(first)
    shown = {run: workspace.run(run) for run in (original, first, second)}
    assert (shown[original]["rerunCount"], shown[original]["isRerun"]) == (2, False)
    for run, by in ((first, "user-123"), (second, "user-456")):
        assert (shown[run]["isRerun"], shown[run]["originalRunId"], shown[run]["rerunBy"]) == (True, original, by)


def test_rerunning_requires_execute_on_function_triggers(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    without = workspace.as_caller(
        "eve", f"{workspace.name}/function-runs:*", f"{workspace.name}/function-triggers:read"
    )
    assert refusal(without.post_rerun(run))[:2] == (403, "FORBIDDEN")
    assert workspace.as_caller("bob", f"{workspace.name}/function-triggers:execute").post_rerun(run).status_code == 202
