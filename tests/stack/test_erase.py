"""Erasing what a run holds, over HTTP: nothing of it is left in the table or the bucket, and the run stays."""

from pathlib import Path

from handlers.domain.runs.run import Content
from tests.stack.driver import Workspace, an_ended_run, item_of, items_of, refusal, until
from tests.stack.leak_story import executor_at_rest
from tests.stack.test_large_parts import LARGE, objects_of, staged, text

ALL = ",".join(Content)
WAITS = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event['started']).touch()
    while not pathlib.Path(event['go']).exists():
        time.sleep(0.01)
    return event['size'] * 'x'
"""


def erased(workspace: Workspace, run: str) -> None:
    response = workspace.http.delete(f"/function-runs/{run}/content")
    assert (response.status_code, response.content) == (204, b"")


def sealed(workspace: Workspace, run: str) -> list[str]:
    return [each["sk"]["S"] for each in items_of(workspace, run) if each["sk"]["S"].startswith("SEALED#")]


def test_what_a_run_holds_is_gone_and_the_run_its_lineage_and_the_audit_stay(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace, payload={"order": 7})
    rerun = workspace.rerun(run, overrideParams={"order": 8}, reason="A test")
    workspace.ended(rerun)
    for each in (run, rerun):
        erased(workspace, each)
        erased(workspace, each)
        assert sealed(workspace, each) == []
        shown = workspace.run(each, include=ALL)
        assert (shown["status"], shown["erasedAt"] is None) == ("completed", False)
        assert [shown[name] for name in Content] == [None] * 5
        assert refusal(workspace.post_rerun(each))[:2] == (400, "NO_PARAMETERS")
    (entry,) = workspace.history(run)["reruns"]
    assert (entry["id"], entry["rerunReason"]) == (rerun, "A test")
    acts = workspace.http.get("/audit?action=erase").json()["data"]
    assert [(each["by"], each["runId"]) for each in acts] == [("alice", rerun), ("alice", run)]


def test_large_parts_are_gone_from_the_bucket(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    run = workspace.execute(trigger, payload={"content": text(LARGE)})
    workspace.ended(run)
    until(lambda: "staged" not in item_of(workspace, run))
    assert len(objects_of(workspace, run)) == 2
    was_staged = item_of(workspace, run, "SEALED#parameters")["stagedAs"]["S"]
    erased(workspace, run)
    assert (objects_of(workspace, run), sealed(workspace, run)) == ({}, [])
    assert was_staged not in staged(workspace)


def test_what_a_function_answers_later_is_not_kept(workspace: Workspace, tmp_path: Path) -> None:
    trigger, _ = workspace.trigger_of(WAITS)
    for size in (10, 10_000, LARGE):
        started, go = tmp_path / f"started-{size}", tmp_path / f"go-{size}"
        run = workspace.execute(trigger, payload={"started": str(started), "go": str(go), "size": size})
        until(started.exists)
        erased(workspace, run)
        go.touch()
        ended = workspace.ended(run, include=ALL)
        assert (ended["status"], ended["result"], ended["logs"]) == ("completed", None, None)
        assert (objects_of(workspace, run), sealed(workspace, run)) == ({}, [])


def test_a_pending_run_ends_unexecuted(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    with executor_at_rest(workspace.local_stack):
        run = workspace.execute(trigger)
        erased(workspace, run)
        found = workspace.run(run, include=ALL)
        assert (found["status"], found["errorCode"], found["errorSource"]) == ("failure", "ContentErased", "service")
        assert (found["executionAttempts"], found["error"], sealed(workspace, run)) == (0, None, [])


def test_it_takes_a_grant_of_its_own_in_the_run_s_workspace(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    operator = workspace.as_caller("carol", f"{workspace.name}/function-runs:reveal", f"{workspace.name}/audit:*")
    assert refusal(operator.http.delete(f"/function-runs/{run}/content"))[:2] == (403, "FORBIDDEN")
    assert refusal(workspace.other().http.delete(f"/function-runs/{run}/content"))[:2] == (404, "NOT_FOUND")
    assert sealed(workspace, run) != []
