"""What a batch would do, as things are now: nothing is written by asking."""

from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest

from handlers.aws.threads import Threads
from handlers.domain.batches import planning, selecting
from handlers.domain.batches.batch import BatchState, Progress
from handlers.domain.batches.estimate import estimated_end
from handlers.domain.batches.planning import BatchPlan, plan_batch
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.starting import BatchRequest
from handlers.domain.runs.run import FunctionRun
from tests.builders import FUNCTION_ID, NOW, WORKSPACE, a_rerun, a_trigger, an_id
from tests.domain.batches.batching import GROUP, OF_GROUP, carry_on, has_failed, started
from tests.domain.starting.rerunning import nothing_happened
from tests.domain.starting.retrying import a_policy
from tests.fakes import FakeClock, World


def plan(world: World, **body: Any) -> BatchPlan:
    options = BatchBody.read(body if "runIds" in body else OF_GROUP | body)
    made = plan_batch(BatchRequest(WORKSPACE, "alice", options), world.batch_plan_deps)
    assert nothing_happened(world)
    assert world.batches.writes == 0
    return made


def test_a_plan_counts_what_would_be_started_and_what_stands_against_the_rest(world: World) -> None:
    originals = has_failed(world, 10)
    world.runs.runs[originals[0].id] = originals[0].evolve(trigger_id=an_id(7))
    world.runs.runs[originals[1].id] = originals[1].evolve(rerun_count=1000, created_at=NOW - timedelta(days=100))
    world.has_run(a_rerun(originals[2], id=an_id(100), status="pending"))
    world.has_run(a_rerun(originals[3], id=an_id(101), status="completed"))
    made = plan(world)
    assert (made.sources, made.is_sample, made.expected_sources, made.expected_capped) == (10, False, 10, False)
    assert made.would_start == 6
    assert made.refused == {"TRIGGER_NOT_FOUND": 1}
    assert made.skipped == {"limit": 1, "open": 1, "recovered": 1}
    assert made.by_function == {FUNCTION_ID: 6}
    assert made.by_error_group == {GROUP: 6}


def test_a_plan_of_named_runs_is_of_all_of_them(world: World) -> None:
    originals = has_failed(world, 3)
    made = plan(world, runIds=[originals[0].id, an_id(404)])
    assert (made.sources, made.would_start, made.refused) == (2, 1, {"RUN_NOT_FOUND": 1})


def test_of_two_runs_of_one_lineage_one_would_be_started(world: World) -> None:
    (original,) = has_failed(world, 1)
    rerun = world.has_run(a_rerun(original, id=an_id(100), status="failure"))
    made = plan(world, runIds=[original.id, rerun.id])
    assert (made.sources, made.would_start, made.skipped) == (2, 1, {"open": 1})


@pytest.mark.parametrize("count", [2, 8, 24])
def test_sources_are_judged_several_at_once(world: World, count: int) -> None:
    """Each of them takes some calls of its own, and a plan has seconds for a thousand."""
    originals = has_failed(world, count)
    for number, original in enumerate(originals):
        world.has_run(a_rerun(original, id=an_id(100 + number), status="failure"))
    together, read_many = Barrier(min(count, 8)), world.runs.read_many

    def read(run_ids: list[str]) -> list[FunctionRun]:
        if len(run_ids) == 1:
            together.wait(timeout=20)
        return read_many(run_ids)

    world.runs.read_many = read  # type: ignore[method-assign]
    body = BatchBody.read({"runIds": [run.id for run in originals]})
    deps = world.batch_plan_deps._replace(workers=Threads())
    made = plan_batch(BatchRequest(WORKSPACE, "alice", body), deps)
    assert (made.would_start, made.is_sample) == (count, False)


def test_a_plan_says_how_often_a_function_is_executed_for_one_rerun_at_most(world: World) -> None:
    has_failed(world, 2)
    assert plan(world).executions_per_rerun == 1
    world.has_registered(a_trigger(retry_policy=a_policy(maxRetries=2)))
    assert plan(world).executions_per_rerun == 1, "that is a policy for what nobody has asked for"
    world.has_registered(a_trigger(retry_policy=a_policy(maxRetries=2, retryManualReruns=True)))
    assert plan(world).executions_per_rerun == 3
    world.has_registered(a_trigger(retry_policy=a_policy(maxRetries=2, retryManualReruns=True), enabled=False))
    assert plan(world).executions_per_rerun == 1


@pytest.mark.parametrize(("body", "counted"), [({}, 10), ({"filter": {"functionId": FUNCTION_ID}}, 6)])
def test_of_many_sources_the_newest_are_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch, body: dict[str, Any], counted: int
) -> None:
    """Entries of an index are counted on; what has to be read to be counted is not."""
    monkeypatch.setattr(planning, "SAMPLED", 6)
    monkeypatch.setattr(selecting, "SAMPLED", 6)
    monkeypatch.setattr(selecting, "COUNTED", 10)
    has_failed(world, 12)
    made = plan(world, **body)
    assert (made.sources, made.is_sample, made.expected_sources, made.expected_capped) == (6, True, counted, True)


def test_a_plan_says_how_long_the_pace_takes(world: World) -> None:
    has_failed(world, 60)
    pace = {"startPerSecond": 1, "maxPerSecond": 2, "doubleEverySeconds": 10}
    assert plan(world, canary={"count": 5}, pace=pace).estimated_seconds == 5 + 10 + 23  # 5, 10, and 45 by twos
    assert plan(world, filter={"errorCode": "None"}).estimated_seconds is None


def test_what_is_planned_is_what_is_done(world: World, time: FakeClock) -> None:
    originals = has_failed(world, 20)
    for number in (3, 7):
        world.runs.runs[originals[number].id] = originals[number].evolve(parameters_omitted="too large")
    made = plan(world)
    batch = carry_on(world, time, started(world).id)
    assert batch.state is BatchState.COMPLETED
    assert (batch.progress.started, batch.progress.refused) == (made.would_start, made.refused)


def test_the_end_of_a_batch_is_estimated_by_its_pace_and_by_how_much_slower_it_is(
    world: World, time: FakeClock
) -> None:
    batch = started(world, pace={"startPerSecond": 10}).evolve(state=BatchState.RUNNING, ramp_began_at=NOW)
    assert estimated_end(batch) is None, "its sources are not counted yet"
    batch = batch.evolve(expected_sources=1_000)
    assert estimated_end(batch) == NOW + timedelta(seconds=100)
    time.advance(seconds=50)
    in_time = batch.evolve(progress=Progress(selected=500))
    assert estimated_end(in_time) == NOW + timedelta(seconds=100)
    slow = batch.evolve(progress=Progress(selected=250))
    assert estimated_end(slow) == time.moment + timedelta(seconds=2 * 75)
    assert estimated_end(slow.evolve(state=BatchState.PAUSED)) is None
    assert estimated_end(slow.evolve(selection_done=True)) is None, "nobody knows when what is open ends"
    scheduled = batch.evolve(state=BatchState.SCHEDULED, ramp_began_at=None, not_before=NOW + timedelta(hours=1))
    assert estimated_end(scheduled) == NOW + timedelta(hours=1, seconds=100)
