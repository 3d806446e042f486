"""Batches as callers see them: over HTTP, driven by the deployed state machine."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers.domain import clock
from handlers.domain.clock import iso
from tests.stack.driver import Workspace, until

FAILS = """
def handler(event, context):
    if event['fails']:
        raise TimeoutError('the warehouse does not answer')
    return 1
"""
FIXED = "def handler(event, context):\n    return 2\n"
WAITS = """
import time
from datetime import timedelta
from pathlib import Path
def handler(event, context):
    if 'gate' not in event:
        raise ValueError
    while not Path(event['gate']).exists():
        time.sleep(0.05)
"""
AT_ONCE = {"startPerSecond": 100, "maxPerSecond": 100}


class Batches:
    """Of one workspace, whose one function fails."""

    def __init__(self, workspace: Workspace, source: str = FAILS) -> None:
        self.workspace, self.http = workspace, workspace.http
        self.trigger, self.function = workspace.trigger_of(source, timeout=60)

    def failed(self, count: int) -> list[str]:
        """So many originals that have failed."""
        runs = [self.workspace.execute(self.trigger, payload={"fails": True}) for _ in range(count)]
        for run in runs:
            assert self.workspace.ended(run)["status"] == "failure"
        return runs

    def start(self, **body: Any) -> str:
        plain = {"reason": "the warehouse is back", "canary": {"count": 1}, "pace": AT_ONCE}
        answer = self.http.post("/rerun-batches", json=plain | body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["batchId"])

    def batch(self, batch_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/rerun-batches/{batch_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def once(self, batch_id: str, state: str) -> dict[str, Any]:
        until(lambda: self.batch(batch_id)["state"] == state, seconds=60)
        return self.batch(batch_id)

    def post(self, batch_id: str, what: str, **body: Any) -> dict[str, Any]:
        answer = self.http.post(f"/rerun-batches/{batch_id}/{what}", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def reruns(self, batch_id: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.http.get(f"/rerun-batches/{batch_id}/reruns").json()["data"]
        return found

    def counts(self, batch_id: str) -> dict[str, int]:
        progress = self.batch(batch_id)["progress"]
        return {name: progress[name] for name in ("selected", "started", "running", "completed", "failed", "cancelled")}


@pytest.fixture
def batches(workspace: Workspace) -> Batches:
    return Batches(workspace)


def test_a_batch_by_a_filter_reruns_each_failed_run_once_and_its_executions_carry_no_data(batches: Batches) -> None:
    failed = batches.failed(4)
    recovered = failed.pop()
    batches.workspace.ended(batches.workspace.rerun(recovered, overrideParams={"fails": False}))
    batch_id = batches.start(filter={"errorCode": "TimeoutError"}, overrideParams={"fails": False, "secret": "s3cr3t"})

    batches.once(batch_id, "completed")

    assert batches.counts(batch_id) == {
        "selected": 3,
        "started": 3,
        "completed": 3,
        "running": 0,
        "failed": 0,
        "cancelled": 0,
    }
    reruns = batches.reruns(batch_id)
    assert sorted(run["sourceRunId"] for run in reruns) == sorted(failed)
    assert {(run["batchId"], run["rerunReason"]) for run in reruns} == {(batch_id, "the warehouse is back")}
    assert [batches.workspace.run(run)["recovered"] for run in failed] == [True] * 3
    assert_executions_carry_ids_only(batches.workspace, batch_id)


def assert_executions_carry_ids_only(workspace: Workspace, batch_id: str) -> None:
    client = workspace.local_stack.client("stepfunctions")
    (machine,) = (each for each in client.list_state_machines()["stateMachines"] if each["name"].endswith("-batches"))
    executions = client.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    ours = [each for each in executions if each["name"].startswith(batch_id)]
    assert [each["name"] for each in ours] == [f"{batch_id}-1"]
    until(lambda: client.describe_execution(executionArn=ours[0]["executionArn"])["status"] == "SUCCEEDED")
    history = client.get_execution_history(executionArn=ours[0]["executionArn"], maxResults=1000)["events"]
    inputs = [event["stateEnteredEventDetails"]["input"] for event in history if "stateEnteredEventDetails" in event]
    assert {name for each in inputs for name in json.loads(each)} == {
        *("batchId", "generation", "steps", "isOver", "waitSeconds")
    }
    assert "s3cr3t" not in json.dumps(history, default=str)


def test_a_batch_by_ids_says_of_each_that_it_does_not_rerun_why(batches: Batches) -> None:
    failed, absent = batches.failed(2), "00000000-0000-4000-8000-00000000dead"
    batches.workspace.ended(batches.workspace.rerun(failed[0], overrideParams={"fails": False}))
    batch_id = batches.start(runIds=[*failed, absent], overrideParams={"fails": False})
    progress = batches.once(batch_id, "completed")["progress"]
    assert (progress["started"], progress["completed"]) == (1, 1)
    assert (progress["skipped"]["recovered"], progress["refused"]) == (1, {"RUN_NOT_FOUND": 1})


def test_a_canary_that_fails_as_its_source_stops_the_batch_and_the_rest_follows_on_fixed_code(batches: Batches) -> None:
    failed = batches.failed(3)
    batch_id = batches.start(filter={"functionId": batches.workspace.run(failed[0])["functionId"]}, useLatestCode=True)
    stopped = batches.once(batch_id, "stopped")
    assert stopped["stopReason"]["rule"] == "sameErrorGroup"
    assert stopped["stopReason"]["errorGroupId"] == batches.workspace.run(failed[0])["errorGroupId"]
    assert batches.counts(batch_id)["started"] == 1

    batches.function.deploy(FIXED)
    batches.post(batch_id, "resume", pace=AT_ONCE)
    batches.once(batch_id, "completed")

    assert batches.counts(batch_id) == {
        "selected": 3,
        "started": 3,
        "completed": 2,
        "running": 0,
        "failed": 1,
        "cancelled": 0,
    }
    assert sorted(batches.workspace.run(run)["recovered"] for run in failed) == [False, True, True]


def test_a_delayed_batch_waits_for_the_watchdog(batches: Batches) -> None:
    [failed] = batches.failed(1)
    body = {"runIds": [failed], "overrideParams": {"fails": False}}
    later = iso(clock.now() + timedelta(days=1))
    assert batches.batch(batches.start(**body, notBefore=later))["state"] == "scheduled"
    soon = batches.start(**body, notBefore=iso(clock.now() + timedelta(seconds=1)))
    watchdog = batches.workspace.local_stack.client("lambda")
    until(
        lambda: watchdog.invoke(FunctionName="FunctionRerun-watchdog") and batches.batch(soon)["state"] != "scheduled"
    )
    assert batches.once(soon, "completed")["progress"]["completed"] == 1


def test_a_paused_batch_starts_nothing_and_a_cancelled_one_calls_its_open_reruns_off(
    workspace: Workspace, tmp_path: Path
) -> None:
    batches, gate = Batches(workspace, WAITS), tmp_path / "gate"
    try:
        batches.failed(3)
        function_id = workspace.trigger_document(batches.trigger)["functionId"]
        batch_id = batches.start(filter={"functionId": function_id}, overrideParams={"gate": str(gate)})
        until(lambda: batches.counts(batch_id)["started"] == 1)
        assert batches.post(batch_id, "pause")["state"] == "paused"
        [rerun] = batches.reruns(batch_id)
        until(lambda: workspace.run(rerun["id"])["status"] == "running")
        assert batches.post(batch_id, "cancel", openReruns="cancel")["state"] == "cancelled"
        until(lambda: workspace.run(rerun["id"])["cancelRequestedAt"])
    finally:
        gate.touch()
    until(lambda: batches.counts(batch_id)["running"] == 0)
    assert batches.counts(batch_id)["started"] == 1
    refused = batches.http.post(f"/rerun-batches/{batch_id}/resume", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "BATCH_ENDED")


def test_a_function_that_is_gone_is_a_refusal_of_each(batches: Batches) -> None:
    failed = batches.failed(2)
    assert batches.http.delete(f"/function-triggers/{batches.trigger}").is_success
    progress = batches.once(batches.start(runIds=failed), "completed")["progress"]
    assert progress["refused"] == {"TRIGGER_NOT_FOUND": 2}
