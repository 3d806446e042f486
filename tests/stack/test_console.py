"""An operator sends a test event in the AWS console, straight to the Lambda of api_rerun."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.lambda_test_events import EVENTS
from tests.stack.driver import Workspace

READY_MADE = sorted(EVENTS.glob("api_rerun-*.json"))


def send(workspace: Workspace, event: Any) -> dict[str, Any]:
    client = workspace.local_stack.client("lambda")
    answer = client.invoke(FunctionName="FunctionRerun-api-rerun", Payload=json.dumps(event))
    assert "FunctionError" not in answer
    document: dict[str, Any] = json.loads(answer["Payload"].read())
    return document


def ready_made(path: Path, workspace: Workspace, run: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(path.read_text())
    return event | {"workspace": workspace.name, "runId": run}


def test_there_are_ready_made_events() -> None:
    assert len(READY_MADE) == 3


@pytest.mark.parametrize("path", READY_MADE, ids=lambda path: path.stem)
def test_a_ready_made_event_reruns_a_run(workspace: Workspace, path: Path) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger, payload={"n": 1})
    workspace.ended(original)
    event = ready_made(path, workspace, original)

    answer = send(workspace, event)

    assert answer["message"] == f"Re-run successfully queued. Original run {original} has been re-executed."
    rerun = workspace.ended(answer["jobId"], include="parameters")
    assert rerun["rerunBy"] == "console:alice"
    assert rerun["rerunReason"] == event["reason"]
    assert rerun["useLatestCode"] == event.get("useLatestCode", False)
    assert rerun["parameters"] == {"n": 1} | event.get("overrideParams", {})


def test_who_sent_an_event_without_a_name_is_unknown(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    answer = send(workspace, {"workspace": workspace.name, "runId": workspace.execute(trigger)})
    assert workspace.run(answer["jobId"])["rerunBy"] == "console:unknown"


@pytest.mark.parametrize(
    ("event", "code", "field"),
    [
        ({}, "INVALID_REQUEST", "workspace"),
        ([], "INVALID_REQUEST", "event"),
        ("text", "INVALID_REQUEST", "event"),
        (None, "INVALID_REQUEST", "event"),
        ({"workspace": "acme", "runId": "x"}, "INVALID_RUN_ID", None),
        ({"workspace": "acme", "runId": "00000000-0000-4000-8000-000000000000"}, "RUN_NOT_FOUND", None),
        ({"workspace": "acme", "runId": "x", "more": 1}, "INVALID_REQUEST", "more"),
        ({"workspace": "acme", "runId": 5}, "INVALID_REQUEST", "runId"),
        ({"workspace": "acme", "runId": "x", "planToken": "x"}, "INVALID_REQUEST", "planToken"),
    ],
    ids=str,
)
def test_a_refused_event_is_answered_with_the_documents_of_http(
    workspace: Workspace, event: Any, code: str, field: str | None
) -> None:
    answer = send(workspace, event)
    assert (answer["code"], answer.get("field")) == (code, field)
    assert answer["error"] == "Bad Request"
    assert answer["requestId"]


def test_a_run_of_another_workspace_is_refused_here_too(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    answer = send(workspace, {"workspace": "another", "runId": workspace.execute(trigger)})
    assert answer["message"] == "Run does not belong to this workspace."
