"""Cancelling and delaying, over HTTP."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from handlers.domain.clock import iso
from tests.stack.driver import Workspace, an_ended_run, refusal, until
from tests.stack.leak_story import executor_at_rest

WAITS = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event['started']).touch()
    while not pathlib.Path(event['go']).exists():
        time.sleep(0.01)
    raise ValueError('of no use')
"""


def cancelled(workspace: Workspace, run: str) -> tuple[int, dict[str, Any]]:
    response = workspace.http.post(f"/function-runs/{run}/cancel")
    document: dict[str, Any] = response.json()
    return response.status_code, document


def in_a_while(**delta: float) -> str:
    return iso(datetime.now(UTC) + timedelta(**delta))


def test_a_pending_run_is_cancelled_and_never_executed(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    with executor_at_rest(workspace.local_stack):
        run = workspace.execute(trigger)
        status, document = cancelled(workspace, run)
        assert (status, document["runId"], document["status"]) == (200, run, "cancelled")
        assert document["message"] == "Run cancelled: it will not be executed."
        assert cancelled(workspace, run) == (status, document)
    other = workspace.execute(trigger)
    workspace.ended(other)
    found = workspace.run(run)
    assert (found["status"], found["executionAttempts"], found["startedAt"]) == ("cancelled", 0, None)
    assert found["cancelRequestedBy"] == "alice"
    assert [each["id"] for each in workspace.http.get("/function-runs?status=cancelled").json()["data"]] == [run]


def test_a_running_run_is_marked_and_its_outcome_recorded(workspace: Workspace, tmp_path: Path) -> None:
    started, go = tmp_path / "started", tmp_path / "go"
    trigger, _ = workspace.trigger_of(WAITS)
    run = workspace.execute(trigger, payload={"started": str(started), "go": str(go)})
    until(started.exists)
    status, document = cancelled(workspace, run)
    assert (status, document["status"]) == (202, "running")
    assert "outcome will be recorded" in document["message"]
    go.touch()
    ended = workspace.ended(run)
    assert (ended["status"], ended["cancelRequestedBy"]) == ("failure", "alice")


def test_cancelling_is_for_those_who_may_execute(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    reader = workspace.as_caller("carol", f"{workspace.name}/function-runs:*")
    assert refusal(reader.http.post(f"/function-runs/{run}/cancel"))[:2] == (403, "FORBIDDEN")
    other = workspace.other()
    assert refusal(other.http.post(f"/function-runs/{run}/cancel"))[:2] == (404, "NOT_FOUND")


def test_a_delayed_rerun_waits_for_its_moment(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    due = in_a_while(seconds=2)
    new = workspace.rerun(run, notBefore=due)
    waiting = workspace.run(new)
    assert (waiting["status"], waiting["notBefore"]) == ("pending", due)
    ended = workspace.ended(new)
    assert (ended["status"], ended["startedAt"] >= due) == ("completed", True)


def test_a_rerun_that_is_due_in_weeks_can_be_cancelled(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    new = workspace.rerun(run, notBefore=in_a_while(days=29))
    assert cancelled(workspace, new)[1]["status"] == "cancelled"
    (entry,) = workspace.history(run)["reruns"]
    assert (entry["id"], entry["status"]) == (new, "cancelled")
