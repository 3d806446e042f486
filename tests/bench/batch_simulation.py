"""What the steps of a batch cost, and how long it takes: `python -m tests.bench.batch_simulation`.

The steps are the service's own, on a clock and a store that are not: what a step takes is assumed below. Prices are those
of us-east-1. What each re-run costs by itself, as it does without a batch, is not in it: see `batch_cost`.
"""

import json
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, cast
from unittest import mock

from handlers.domain import clock
from handlers.domain.batches.batch import Batch, BatchState
from handlers.domain.batches.ports import BatchRuns
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.batches.stepping import step
from handlers.domain.paging import Page, position_of
from handlers.domain.runs.listing import Entry, Filters
from handlers.domain.runs.recording import RecordedRun, seal_context
from handlers.domain.runs.run import FunctionRun, Part, Status
from tests.builders import FUNCTION_ID, NOW, WORKSPACE, a_run, an_id
from tests.fakes import FakeClock, World

TRANSITION, LAMBDA_REQUEST, LAMBDA_GB_SECOND, WRITE_UNIT, READ_UNIT = 25e-6, 0.2e-6, 0.0000133334, 0.625e-6, 0.125e-6
TRANSITIONS_A_LOOP, EVENTS_A_LOOP, HISTORY_LIMIT = 3, 9, 25_000
MEMORY_GB = 0.5
# Assumed: a step that starts nothing, each start of eight at a time, and how long a message waits.
STEP_SECONDS, START_SECONDS, QUEUE_SECONDS = 0.25, 0.012, 0.3


class Scenario(NamedTuple):
    name: str
    sources: int
    pace: dict[str, float]
    run_seconds: float = 1.0
    max_open: int = 500


SCENARIOS = [
    Scenario("100,000 at 50/s", 100_000, {"startPerSecond": 1, "maxPerSecond": 50}),
    Scenario("100,000 at 10/s (default)", 100_000, {}),
    Scenario("100,000 at 50/s, runs of 20 s", 100_000, {"maxPerSecond": 50}, run_seconds=20.0),
    Scenario("100,000 at 50/s, 50 places", 100_000, {"maxPerSecond": 50}, max_open=50),
    Scenario("10,000 at 1/s", 10_000, {"maxPerSecond": 1}),
    Scenario("1,000 at 0.1/s", 1_000, {"startPerSecond": 0.1, "maxPerSecond": 0.1}),
    Scenario("400 at 10/s (default)", 400, {}),
]


class Simulated:
    """Failed originals, a second apart, and re-runs that complete once their time has come."""

    def __init__(self, scenario: Scenario, time: FakeClock, world: World) -> None:
        self._scenario, self._time, self._cipher = scenario, time, world.cipher
        self._failed = a_run(status="failure", recovered_by=None)
        self._rerun = self._failed.evolve(is_rerun=True, execution_source="rerun", status=Status.PENDING)
        self._created = {an_id(n): NOW - timedelta(seconds=n) for n in range(1, scenario.sources + 1)}
        self._positions = sorted(position_of(at, run_id) for run_id, at in self._created.items())
        self.ends: dict[str, datetime] = {}
        self.reads = 0

    def newest_first(self, workspace: str, filters: Filters, page: Page) -> Iterator[Entry]:
        last = bisect_right(self._positions, page.after) - 1 if page.after else len(self._positions)
        return (Entry(each, each[-36:]) for each in reversed(self._positions[max(0, last - 10_001) : last]))

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        self.reads += len(run_ids)
        return [run for run_id in run_ids if (run := self._read(run_id)) is not None]

    def _read(self, run_id: str) -> FunctionRun | None:
        if run_id in self._created:
            return self._failed.evolve(id=run_id, created_at=self._created[run_id])
        if run_id not in self.ends:
            return None
        is_over = self.ends[run_id] <= self._time.moment
        return self._rerun.evolve(id=run_id, status=Status.COMPLETED if is_over else Status.PENDING)

    def read_recorded(self, run_ids: Sequence[str], part: Part) -> list[RecordedRun]:
        runs = self.read_many(list(run_ids))
        return [RecordedRun(run, partial(self._cipher.seal, b"{}", seal_context(run, part))) for run in runs]

    def record_rerun(self, run: FunctionRun, *_: Any) -> bool:
        self._time.advance(seconds=START_SECONDS)
        self.ends[run.id] = self._time.moment + timedelta(seconds=QUEUE_SECONDS + self._scenario.run_seconds)
        return True

    def edges(self, *_: Any) -> Iterable[Any]:
        raise AssertionError("nothing has been re-run before")


class Spent(NamedTuple):
    batch: Batch
    steps: int
    longest_generation: int
    generations: int
    seconds: float
    lambda_seconds: float
    write_units: int
    read_units: int

    @property
    def transitions(self) -> int:
        return TRANSITIONS_A_LOOP * self.steps + self.generations

    @property
    def longest_history(self) -> int:
        return EVENTS_A_LOOP * self.longest_generation + 2

    @property
    def dollars(self) -> float:
        of_lambda = self.steps * LAMBDA_REQUEST + self.lambda_seconds * MEMORY_GB * LAMBDA_GB_SECOND
        return of_lambda + self.transitions * TRANSITION + self.write_units * WRITE_UNIT + self.read_units * READ_UNIT


def simulate(scenario: Scenario) -> Spent:
    time = FakeClock()
    with mock.patch.object(clock, "now", time):
        return _simulated(scenario, time)


def _simulated(scenario: Scenario, time: FakeClock) -> Spent:
    world = World()
    world.has_registered()
    runs = Simulated(scenario, time, world)
    deps = world.step_deps._replace(runs=cast("BatchRuns", runs), run_index=runs, max_open=scenario.max_open)
    body = BatchBody.read({"filter": {"functionId": FUNCTION_ID}, "pace": scenario.pace})
    batch_id = start_batch(BatchRequest(WORKSPACE, "alice", body), world.batch_deps).id
    all_steps = longest = write_units = generation = 0
    lambda_seconds = 0.0
    while (batch := world.batches.batches[batch_id]).state is not BatchState.COMPLETED:
        generation, steps, is_over = batch.generation, 0, False
        while not is_over:
            began, writes = time.moment, world.batches.writes
            time.advance(seconds=STEP_SECONDS)
            done = step(batch_id, generation, steps, deps, has_time=lambda: True)
            lambda_seconds += (time.moment - began).total_seconds()
            write_units += (world.batches.writes - writes) * units_of(world.batches.batches[batch_id])
            steps, is_over = done.steps, done.is_over
            time.advance(seconds=done.wait_seconds)
            world.queue.pushed.clear()
        all_steps, longest = all_steps + steps, max(longest, steps)
    assert batch.progress.completed == scenario.sources
    seconds = (time.moment - NOW).total_seconds()
    return Spent(batch, all_steps, longest, generation, seconds, lambda_seconds, write_units, runs.reads)


def units_of(batch: Batch) -> int:
    """Of one write: ids are kept as 16 bytes."""
    ids = len(batch.open_runs) + len(batch.chosen)
    rest = batch.evolve(open_runs=(), chosen=())
    return math.ceil((len(json.dumps(rest.model_dump(mode="json"))) + 17 * ids) / 1024)


def main() -> None:
    columns = ("", "hours", "steps", "transitions", "generations", "history", "dollars", "a re-run, $/million")
    print(("{:<30}" + "{:>12}" * 6 + "{:>22}").format(*columns))
    for scenario in SCENARIOS:
        spent = simulate(scenario)
        assert spent.longest_history < HISTORY_LIMIT
        print(
            f"{scenario.name:<30}{spent.seconds / 3600:>12.2f}{spent.steps:>12,}{spent.transitions:>12,}"
            f"{spent.generations:>12}{spent.longest_history:>12,}{spent.dollars:>12.4f}"
            f"{1e6 * spent.dollars / scenario.sources:>22.2f}"
        )


if __name__ == "__main__":
    main()
