"""What a re-run by a batch costs beside a single one, counted on the wire: `python -m tests.bench.batch_cost [SOURCES]`.

Both with their executions, and the batch with all its steps, those that only wait included. Steps and executions run in
this process against the deployed stack's table, keys and queues; the clock runs on as the steps say. AWS calls, write
units, read units and state transitions are counted; seconds of Lambda are assumed, as in docs/explanation/cost.md.
"""

import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import httpx

from handlers.aws.table import size_of
from handlers.domain import clock
from handlers.domain.batches.ports import BatchQueue
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from infra.local.local_stack import bring_up
from tests.bench.write_units import Recorder
from tests.domain.starting.rerunning import rerun
from tests.fakes.batches import InTurn
from tests.faults.client import INJECTION
from tests.stack.batching import FIXED, BatchFixture
from tests.stack.driver import Workspace
from tests.stack.lineage import Container

# Dollars per million, us-east-1, of what is counted, and of what is assumed.
WRITE_UNIT, READ_UNIT, TRANSITION, GB_SECOND, INVOCATION, API_REQUEST, LOG_KB = 0.625, 0.125, 25, 13.3334, 0.2, 1, 0.5
CALLS = {"kms": 3, "sqs": 0.4, "eventbridge": 1}
TRANSITIONS_OF_A_STEP = 3
API_SECONDS, EXECUTOR_SECONDS, STEP_SECONDS, START_SECONDS = 0.1, 1.1, 0.3, 0.01
API_GB, EXECUTOR_GB, STEP_GB = 1, 0.5, 0.5
BODY = {"overrideParams": FIXED, "reason": "Testing fix for edge case"}
OF_A_REQUEST = API_REQUEST + INVOCATION + API_SECONDS * API_GB * GB_SECOND + LOG_KB
SINGLES, MOST_STEPS = 20, 2_000


class WithoutDelay:
    """The run queue, whose messages are there at once: the delays would be those of a real clock."""

    def __init__(self, queue: BatchQueue) -> None:
        self.push, self.waiting = queue.push, queue.waiting
        self._queue = queue

    def push_all(self, delayed: Sequence[tuple[FunctionRun, int]]) -> None:
        self._queue.push_all([(run, 0) for run, _ in delayed])


class Bill(defaultdict[str, float]):
    """Dollars per million, by what they are for."""

    def __init__(self, **dollars: float) -> None:
        super().__init__(float, **dollars)

    def total(self) -> float:
        return sum(self.values())

    def print(self, title: str, share: int) -> None:
        print(f"\n{title}: {self.total() / share:.2f} dollars per million")
        for name, dollars in sorted(self.items(), key=lambda each: -each[1]):
            print(f"  {name:<28}{dollars / share:>8.2f}")


class Reads:
    """The read units of one client: consistent reads of items, queries of indexes at half the price."""

    def __init__(self) -> None:
        self.units = 0.0
        self._request: dict[str, Any] = {}

    def before(self, *, params: dict[str, Any], **_: Any) -> None:
        self._request = json.loads(params["body"])

    def after(self, *, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name == "BatchGetItem":
            [asked] = self._request["RequestItems"].values()
            found = [item for items in parsed["Responses"].values() for item in items]
            self.units += sum(map(_units, found)) + len(asked["Keys"]) - len(found)
        elif model.name == "GetItem":
            self.units += _units(parsed.get("Item", {}))
        else:
            read = max(1, ceil(sum(map(size_of, parsed["Items"])) / 4096))
            self.units += read if self._request.get("ConsistentRead") else read / 2


def _units(item: dict[str, Any]) -> int:
    return max(1, ceil(size_of(item) / 4096))


@contextmanager
def counted(batch: BatchFixture, bill: Bill) -> Iterator[None]:
    client = batch.lineage.clients.client("dynamodb")
    reads = Reads()
    for operation in ("GetItem", "BatchGetItem", "Query"):
        client.meta.events.register(f"before-call.dynamodb.{operation}", reads.before)
        client.meta.events.register(f"after-call.dynamodb.{operation}", reads.after)
    reader = batch.lineage.workspace.local_stack.client("dynamodb")
    with Recorder(reader).of(client) as writes, INJECTION.recorded() as calls:
        yield
        bill["writes"] += WRITE_UNIT * sum(write.units for write in writes)
        for call in calls:
            service = call.partition(".")[0]
            if service in CALLS:
                bill[service] += CALLS[service]
    bill["reads"] += READ_UNIT * reads.units
    for operation in ("GetItem", "BatchGetItem", "Query"):
        client.meta.events.unregister(f"before-call.dynamodb.{operation}", reads.before)
        client.meta.events.unregister(f"after-call.dynamodb.{operation}", reads.after)


def of_executions(count: int) -> Bill:
    """What is not seen in this process: the executor's time, the receipt and the deletion of its message, its log."""
    executor = INVOCATION + EXECUTOR_SECONDS * EXECUTOR_GB * GB_SECOND
    return Bill(executor=executor * count, sqs=2 * CALLS["sqs"] * count, logs=LOG_KB * count)


def single(batch: BatchFixture, container: Container, count: int) -> Bill:
    """So many re-runs, each by a request of its own."""
    bill = of_executions(count)
    for source in batch.fail(count):
        request = RerunRequest(batch.lineage.workspace.name, source, "alice", RerunBody.read(BODY))
        with counted(batch, bill):
            rerun(request, container)
            batch.lineage.execute_what_was_pushed(container)
        bill["API"] += OF_A_REQUEST
    return bill


def by_batch(batch: BatchFixture, container: Container, count: int) -> tuple[Bill, int]:
    """The same by one batch at the default pace, and how many steps it took."""
    batch.fail(count)
    bill = of_executions(count)
    bill["API"] += OF_A_REQUEST
    bill["steps"] += START_SECONDS * STEP_GB * GB_SECOND * count
    function = batch.lineage.workspace.trigger_document(batch.trigger)["functionId"]
    options = BatchBody.read({"filter": {"functionId": function}, **BODY})
    deps = container.step_deps
    deps = deps._replace(workers=InTurn(), max_open=50, queue=WithoutDelay(deps.queue))
    with counted(batch, bill):
        request = BatchRequest(batch.lineage.workspace.name, "alice", options)
        batch.batch_id = start_batch(request, container.batch_deps).id
    for steps in range(MOST_STEPS):
        with counted(batch, bill):
            result = batch.step(deps, steps=steps)
            batch.lineage.execute_what_was_pushed(container)
        bill["transitions"] += TRANSITIONS_OF_A_STEP * TRANSITION
        bill["steps"] += INVOCATION + STEP_SECONDS * STEP_GB * GB_SECOND + LOG_KB
        batch.lineage.later.by += timedelta(seconds=result.wait_seconds)
        if result.is_over:
            break
    progress = batch.stored().progress
    assert (progress.started, progress.completed) == (count, count), progress
    return bill, steps + 1


def main() -> None:
    sizes = [int(each) for each in sys.argv[1:]] or [50, 200, 400]
    now = clock.now
    with tempfile.TemporaryDirectory() as name, httpx.Client(timeout=30, trust_env=False) as connection:
        local_stack = bring_up(Path(name), report=print)
        try:
            batch = BatchFixture.of(Workspace(local_stack, connection), Path(name))
            clock.now = batch.lineage.later
            container = batch.container()
            one = single(batch, container, SINGLES)
            one.print("a single re-run", SINGLES)
            for size in sizes:
                many, steps = by_batch(batch, container, size)
                many.print(f"one of {size} re-runs by a batch, in {steps} steps", size)
                print(f"  {many.total() / size / (one.total() / SINGLES):.2f} times a single one")
            batch.close()
        finally:
            clock.now = now
            local_stack.take_down()


if __name__ == "__main__":
    main()
