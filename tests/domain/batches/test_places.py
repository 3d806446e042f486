"""How many re-runs batches have open at once."""

from datetime import timedelta

import pytest

from handlers.domain.batches import stepping
from handlers.domain.batches.batch import BatchState
from handlers.domain.starting.retry import retry
from tests.builders import NOW, a_trigger, an_id
from tests.domain.batches.batching import (
    FAILURE,
    FAST,
    Execution,
    check_books,
    execute_all,
    first_execution,
    has_failed,
    members,
    started,
)
from tests.domain.starting.retrying import a_policy
from tests.fakes import FakeClock, World


def opened(world: World) -> int:
    return sum(run.status.is_open for run in members(world))


def test_half_of_the_places_are_left_to_what_is_not_of_the_batch(world: World, time: FakeClock) -> None:
    has_failed(world, 30)
    execution = first_execution(world, **FAST)
    for _ in range(5):
        execution.step()
        time.advance(seconds=10)
    assert len(members(world)) == world.most_open == 5


@pytest.mark.parametrize("count", [2, 3, 5, 7])
def test_batches_that_are_at_work_at_once_share_that_half(world: World, time: FakeClock, count: int) -> None:
    ids = [run.id for run in has_failed(world, 10 * count)]
    batches = [started(world, runIds=ids[number * 10 : number * 10 + 10], **FAST) for number in range(count)]
    executions = [Execution(world, batch.id, 1) for batch in batches]
    share = max(1, world.most_open // count)
    for _ in range(3):
        for execution in executions:
            execution.step()
        time.advance(seconds=10)
    assert opened(world) == share * count
    while not all(execution.is_over for execution in executions):
        for execution in executions:
            execution.is_over or execution.step()
            assert opened(world) <= world.most_open or share == 1
        world.queue.pushed, later = world.queue.pushed[:3], world.queue.pushed[3:]
        execute_all(world)
        world.queue.pushed = later
        time.advance(seconds=10)
    assert {world.batches.batches[batch.id].state for batch in batches} == {BatchState.COMPLETED}


def test_one_that_begins_later_or_is_over_takes_no_share(world: World, time: FakeClock) -> None:
    has_failed(world, 30)
    started(world, notBefore=(NOW + timedelta(hours=1)).isoformat())
    over = Execution(world, started(world, runIds=[an_id(999)]).id, 1)
    while not over.is_over:
        time.advance(seconds=over.step().wait_seconds)
    execution = first_execution(world, **FAST)
    for _ in range(3):
        execution.step()
        time.advance(seconds=10)
    assert opened(world) == world.most_open == 5


def fails_and_is_retried_later(world: World) -> None:
    execute_all(world, lambda run: FAILURE)
    for run in [run for run in world.runs.runs.values() if run.awaits_retry and run.event_pending]:
        retry(run.id, world.runs, world.rerun_deps, world.start_deps)


@pytest.mark.parametrize("decides", [True, False], ids=["retries that are not due", "failures that await their retry"])
def test_what_only_waits_takes_no_place(world: World, time: FakeClock, *, decides: bool) -> None:
    world.has_registered()
    originals = has_failed(world, 40)
    policy = a_policy(retryManualReruns=True, initialDelaySeconds=3600, maxRetries=1)
    world.has_registered(a_trigger(retry_policy=policy))
    execution = first_execution(world, **FAST)
    for _ in range(20):
        execution.step()
        assert opened(world) <= world.most_open
        fails_and_is_retried_later(world) if decides else execute_all(world, lambda run: FAILURE)
        time.advance(seconds=5)
    batch = world.batches.batches[execution.batch_id]
    assert (batch.progress.started, batch.progress.failed, len(batch.open_runs)) == (len(originals), 0, 40)
    check_books(batch, world)


def test_no_more_than_a_number_wait_for_their_retries(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping, "MAX_OPEN", 12)
    has_failed(world, 40)
    policy = a_policy(retryManualReruns=True, initialDelaySeconds=3600, maxRetries=1)
    world.has_registered(a_trigger(retry_policy=policy))
    execution = first_execution(world, **FAST)
    for _ in range(10):
        assert execution.step().wait_seconds > 0 or len(members(world)) < 12
        fails_and_is_retried_later(world)
        time.advance(seconds=5)
    assert len(members(world)) == 12
