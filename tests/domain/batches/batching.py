"""Batches of re-runs over a world in memory: failed originals, steps, executions, and what the books must say."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from handlers.domain.batches.batch import Batch
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.restarting import restart
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.batches.stepping import StepResult, step
from handlers.domain.error_groups.fingerprint import group_id
from handlers.domain.runs.due import push_when_due
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import ErrorSource, FunctionRun, Status
from tests.builders import FUNCTION_ID, NOW, WORKSPACE, a_run, an_id
from tests.fakes import FakeClock, World

FAILURE = Outcome.of_error("ZeroDivisionError", "division by zero")
GROUP = group_id(FUNCTION_ID, ErrorSource.SERVICE, "ZeroDivisionError")
"""Of all originals here, and of what fails as they have."""
OF_GROUP = {"filter": {"errorGroupId": GROUP}}

FAST: dict[str, Any] = {
    "pace": {"startPerSecond": 100, "maxPerSecond": 100},
    "canary": {"count": 0},
    "stopWhen": {"sameErrorGroup": False},
}
"""At once, and whatever comes of it."""


def has_failed(world: World, count: int, **changes: Any) -> list[FunctionRun]:
    """Originals, the newest last; created a second apart, before the moment at which tests begin."""
    world.has_registered()
    literals = {"status": "failure", "error_code": "ZeroDivisionError", "error_group_id": GROUP}
    return [
        world.has_run(
            a_run(id=an_id(number), created_at=NOW - timedelta(seconds=count - number + 1), **literals | changes),
            b'{"order":%d}' % number,
        )
        for number in range(1, count + 1)
    ]


def started(world: World, **body: Any) -> Batch:
    request = BatchRequest(WORKSPACE, "alice", BatchBody.read(OF_GROUP | body if "runIds" not in body else body))
    return start_batch(request, world.batch_deps)


class Execution:
    """Takes the steps of one generation of a batch, as its state machine does."""

    def __init__(self, world: World, batch_id: str, generation: int) -> None:
        self._world = world
        self.batch_id, self.generation = batch_id, generation
        self.steps = 0
        self.is_over = False

    def step(self) -> StepResult:
        result = step(self.batch_id, self.generation, self.steps, self._world.step_deps, has_time=lambda: True)
        self.steps, self.is_over = result.steps, result.is_over
        return result


def outcomes_of(world: World) -> Counter[Status]:
    return Counter(run.status for run in members(world))


def members(world: World) -> list[FunctionRun]:
    """What batches have started, without automatic retries."""
    return [run for run in world.runs.runs.values() if run.batch_id is not None and run.execution_source != "retry"]


def execute_all(world: World, outcome: Callable[[FunctionRun], Outcome | None] | None = None) -> None:
    """All messages that are due."""
    while world.queue.pushed:
        run = world.run(world.queue.pushed.pop(0).run_id)
        if outcome is not None and run.status is Status.PENDING and (scripted := outcome(run)) is not None:
            world.invoker.script = [scripted]
        execute(run.id, world.execution_deps)


def carry_on(
    world: World,
    time: FakeClock,
    batch_id: str,
    *,
    outcome: Callable[[FunctionRun], Outcome | None] | None = None,
    dies: type[BaseException] = Exception,
) -> Batch:
    """Take steps, and execute what they start, until there is nothing left to do. One that dies ends its execution."""
    execution: Execution | None = None
    for _ in range(5_000):
        batch = world.batches.batches[batch_id]
        if batch.due_at is None:
            return batch
        if execution is not None and not execution.is_over:
            time.advance(seconds=0.5 + _step_or_die(execution, dies))
        elif (key := (batch_id, batch.generation)) in world.executions.started and _is_next(key, execution):
            execution = Execution(world, *key)
        else:
            time.moment = max(time.moment, batch.due_at)
            for overdue in world.batches.overdue():
                restart(overdue, world.restart_deps)
        for run in world.runs.runs.values():
            if run.batch_id is not None and run.status is Status.PENDING:
                push_when_due(run, world.queue)  # as the watchdog does, if it was not pushed before
        execute_all(world, outcome)
    raise AssertionError("the batch does not end")


def _step_or_die(execution: Execution, dies: type[BaseException]) -> int:
    try:
        return execution.step().wait_seconds
    except dies:
        execution.is_over = True
        return 0


def _is_next(key: tuple[str, int], execution: Execution | None) -> bool:
    return execution is None or execution.generation < key[1]


def check_books(batch: Batch, world: World) -> None:
    """What has become of each of its sources stands in its progress once and nowhere else."""
    progress = batch.progress
    assert progress.selected == progress.started + sum(progress.refused.values()) + sum(progress.skipped.values())
    assert progress.started == len(batch.open_runs) + progress.completed + progress.failed + progress.cancelled
    assert progress.failed == sum(progress.failed_by_group.values())
    own = [run for run in members(world) if run.batch_id == batch.id]
    assert progress.started == len(own)
    assert len({run.source_run_id for run in own}) == len(own), "each source is re-run once"


def most_beyond(moments: list[datetime], rate: float) -> float:
    """How many more are in one span of time than this rate allows in it, in the span where these are most."""
    most, before = 0.0, math.inf
    for number, moment in enumerate(sorted(moments)):
        level = number - rate * (moment - NOW).total_seconds()
        before = min(before, level)
        most = max(most, level + 1 - before)
    return most


def first_execution(world: World, **body: Any) -> Execution:
    return Execution(world, started(world, **body).id, 1)
