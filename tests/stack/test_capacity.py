"""How many runs are executed at once: each of them holds one place, and no place but its own."""

from pathlib import Path
from typing import Any

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
