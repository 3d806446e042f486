"""How many runs are executed at once: each of them holds one place, and no place but its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace, until

SLOW = 4
# Started once it has left a mark of its own, ended once the gate is open.
WAITS = """
import time
from pathlib import Path
def handler(event, context):
    Path(event['started'] + context.client_context.custom['functionRunId']).touch()
    while not Path(event['gate']).exists():
        time.sleep(0.05)
"""


LIMIT = "RERUN_MAX_CONCURRENT_EXECUTIONS_PER_WORKSPACE"


@pytest.fixture
def limited(local_stack: LocalStack) -> Iterator[None]:
    """One run of each workspace at a time, as the context could say."""
    client, name = local_stack.client("lambda"), "FunctionRerun-execute-runs"
    variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

    def configure(variables: dict[str, str]) -> None:
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        until(lambda: client.get_function_configuration(FunctionName=name)["LastUpdateStatus"] == "Successful")

    configure(variables | {LIMIT: "1"})
    yield
    configure(variables)


@pytest.mark.usefixtures("limited")
def test_a_workspace_that_has_its_share_waits_and_leaves_the_others_theirs(
    workspace: Workspace, tmp_path: Path
) -> None:
    gate, started = tmp_path / "gate", tmp_path / "started-"
    slow, _ = workspace.trigger_of(WAITS, timeout=60)
    other = workspace.other()
    quick, _ = other.trigger_of()
    payload: dict[str, Any] = {"gate": str(gate), "started": str(started)}
    try:
        first = workspace.execute(slow, payload=payload)
        until(lambda: list(tmp_path.glob("started-*")))
        waiting = [workspace.execute(slow, payload=payload) for _ in range(3)]
        until(lambda: all(workspace.run(run)["errorCode"] == "WorkspaceConcurrencyLimit" for run in waiting))
        assert other.ended(other.execute(quick))["status"] == "completed"
        for run in waiting:
            assert workspace.http.post(f"/function-runs/{run}/cancel").json()["status"] == "cancelled"
    finally:
        gate.touch()
    assert workspace.ended(first)["status"] == "completed"
    assert len(list(tmp_path.glob("started-*"))) == 1
    # The slot is given back: the next run does not wait for it.
    assert workspace.ended(workspace.execute(slow, payload=payload))["executionAttempts"] == 1


def test_slow_runs_hold_no_quick_one_up(workspace: Workspace, tmp_path: Path) -> None:
    gate, started = tmp_path / "gate", tmp_path / "started-"
    slow, _ = workspace.trigger_of(WAITS, timeout=60)
    other = workspace.other()
    quick, _ = other.trigger_of()
    payload: dict[str, Any] = {"gate": str(gate), "started": str(started)}
    try:
        runs: list[str] = []
        while len(runs) < SLOW:
            runs.append(workspace.execute(slow, payload=payload))
            until(lambda: len(list(tmp_path.glob("started-*"))) == len(runs))
        assert other.ended(other.execute(quick))["status"] == "completed"
        assert [workspace.run(run)["status"] for run in runs] == ["running"] * SLOW
    finally:
        gate.touch()
    assert [workspace.ended(run)["status"] for run in runs] == ["completed"] * SLOW
