"""Batches of re-runs over a world in memory: failed originals, steps, executions, and what the books must say."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from handlers.domain.batches.batch import Batch, BatchState
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.restarting import restart
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.batches.stepping import StepResult, step
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Status
from tests.builders import NOW, WORKSPACE, a_run, an_id
from tests.fakes import FakeClock, World

FAILURE = Outcome.of_error("ZeroDivisionError", "division by zero")
GROUP = "5f0c3f9ad1b84c0c8d2c1f6f0e7a9b34"
OF_GROUP = {"filter": {"errorGroupId": GROUP}}


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
    return start_batch(request, world.batch_deps).batch


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


def execute_all(world: World, outcome: Callable[[FunctionRun], Outcome] | None = None) -> None:
    """All messages that are due."""
    while world.queue.pushed:
        pushed = world.queue.pushed.pop(0)
        run = world.run(pushed.run_id)
        if outcome is not None and run.status is Status.PENDING:
            world.invoker.script = [outcome(run)]
        execute(run.id, world.execution_deps)


def carry_on(
    world: World,
    time: FakeClock,
    batch_id: str,
    *,
    until: BatchState | None = None,
    limit: int = 5_000,
    outcome: Callable[[FunctionRun], Outcome] | None = None,
) -> Batch:
    """Take steps, and execute what they start, until there is nothing left to do."""
    execution = None
    for _ in range(limit):
        batch = world.batches.batches[batch_id]
        if until is batch.state:
            return batch
        if execution is None or execution.is_over:
            generation = batch.generation
            if (batch_id, generation) not in world.executions.started or (
                execution is not None and execution.generation == generation
            ):
                if batch.due_at is None:
                    return batch
                time.moment = max(time.moment, batch.due_at)
                for overdue in world.batches.overdue():
                    restart(overdue, world.batch_deps)
                continue
            execution = Execution(world, batch_id, generation)
        result = execution.step()
        execute_all(world, outcome)
        time.advance(seconds=result.wait_seconds + 0.5)
    raise AssertionError("the batch does not end")


def check_books(batch: Batch, world: World) -> None:
    """What has become of each of its sources stands in its progress once and nowhere else."""
    progress = batch.progress
    assert progress.selected == progress.started + sum(progress.refused.values()) + sum(progress.skipped.values())
    assert progress.started == len(batch.open_runs) + progress.completed + progress.failed + progress.cancelled
    assert progress.failed == sum(progress.failed_by_group.values())
    own = [run for run in members(world) if run.batch_id == batch.id]
    assert progress.started == len(own)
    assert len({run.source_run_id for run in own}) == len(own), "each source is re-run once"
