"""What a batch does to a workspace's other runs: `python -m tests.bench.batch_latency`.

POST execute until the function has run, on the emulator: alone, and while a batch in the same workspace keeps as many
re-runs open as it may. They wait and do not compute, so that it is places that they compete for and not this machine.
"""

import json
import tempfile
from pathlib import Path

import httpx

from infra.local.local_stack import LocalStack, bring_up
from tests.bench.latency import MARK, Stopwatch, medians_ms, timed
from tests.stack.driver import Workspace, until

SOURCES, SECONDS = 60, 2
SLOW = """
import time
def handler(event, context):
    if event['fails']:
        raise TimeoutError
    time.sleep(event['seconds'])
"""


def measure(local_stack: LocalStack, connection: httpx.Client, directory: Path) -> tuple[Stopwatch, Stopwatch]:
    workspace, mark = Workspace(local_stack, connection), directory / "mark"
    slow, _ = workspace.trigger_of(SLOW, timeout=60)
    live, _ = workspace.trigger_of(MARK.format(mark="event['mark']"))
    failed = [workspace.execute(slow, payload={"fails": True}) for _ in range(SOURCES)]
    for run in failed:
        workspace.ended(run)

    def execute() -> Stopwatch:
        return timed(mark, lambda: workspace.execute(live, payload={"mark": str(mark)}))

    alone = medians_ms(execute)
    body = {
        "runIds": failed,
        "overrideParams": {"fails": False, "seconds": SECONDS},
        "reason": "measured",
        "canary": {"count": 0},
        "pace": {"startPerSecond": 100, "maxPerSecond": 100},
    }
    batch = workspace.http.post("/rerun-batches", json=body).json()["batchId"]

    def progress() -> dict[str, int]:
        found: dict[str, int] = workspace.http.get(f"/rerun-batches/{batch}").json()["progress"]
        return found

    until(lambda: progress()["running"] > 1)
    beside = medians_ms(execute)
    print(json.dumps({name: progress()[name] for name in ("started", "running", "completed")}))
    assert progress()["completed"] < SOURCES, "the batch had ended before all was measured"
    return alone, beside


def main() -> None:
    with tempfile.TemporaryDirectory() as name, httpx.Client(timeout=30, trust_env=False) as connection:
        local_stack = bring_up(Path(name), report=print)
        try:
            alone, beside = measure(local_stack, connection, Path(name))
        finally:
            local_stack.take_down()
    for what, measured in (("alone", alone), ("beside a batch", beside)):
        print(f"{what:<16}accepted after {measured.accepted:.0f} ms, executed after {measured.completed:.0f} ms")
    print(f"{beside.completed / alone.completed:.2f} times as long")


if __name__ == "__main__":
    main()
