from collections.abc import Iterator
from datetime import timedelta

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.finish import MAX_ATTEMPTS
from handlers.domain.runs.outcome import OutcomeUnknown, RetryLater
from handlers.domain.runs.run import Content, FunctionRun, Status
from handlers.domain.upkeep.publishing import PUBLISHED_AT_ONCE
from handlers.domain.upkeep.recovery import MAX_UNMOVED, RecoveryResult, recover, recover_overdue
from tests.builders import NOW, RUN_ID, a_run, an_id
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World
from tests.fakes.world import MAX_CONCURRENT_EXECUTIONS


def an_untold_run() -> FunctionRun:
    return a_run(status="failure", event_pending=True, deadline=NOW + timedelta(seconds=60))


def test_what_is_not_overdue_is_left_alone(world: World, time: FakeClock) -> None:
    world.has_run(a_run(id=an_id(1), status="pending"))
    world.has_run(a_run(id=an_id(2), status="running"))
    world.has_run(a_run(id=an_id(3)))
    time.advance(seconds=59)
    assert a_pass(world) == []
    assert world.runs.writes == 0


def test_a_run_that_nobody_claimed_is_pushed_again(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    time.advance(seconds=60)
    assert a_pass(world) == [RecoveryResult.PUSHED_AGAIN]
    assert world.queue.pushed == [(RUN_ID, 0)]
    run = world.run(RUN_ID)
    assert (run.status, run.execution_attempts) == (Status.PENDING, 0)
    assert run.deadline == time.moment + timedelta(seconds=120)


def test_a_run_that_nobody_ever_claims_is_pushed_more_and_more_rarely(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    for _ in range(24 * 60):
        time.advance(minutes=1)
        a_pass(world)
    assert 90 < len(world.queue.pushed) < 100


def test_a_running_run_whose_lease_has_ended_is_pushed_again(world: World, time: FakeClock) -> None:
    before = world.has_run(a_run(status="running"))
    time.advance(seconds=90)
    assert a_pass(world) == [RecoveryResult.PUSHED_AGAIN]
    run = world.run(RUN_ID)
    assert (run.status, run.claim_token, run.execution_attempts) == (Status.PENDING, None, 1)
    assert run.pin == before.pin
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    assert world.run(RUN_ID).execution_attempts == 2


@pytest.mark.parametrize("attempts", [MAX_ATTEMPTS, MAX_ATTEMPTS + 1])
def test_a_running_run_that_was_lost_three_times_fails_as_lost(world: World, time: FakeClock, attempts: int) -> None:
    world.has_run(a_run(status="running", execution_attempts=attempts))
    time.advance(seconds=90)
    assert a_pass(world) == [RecoveryResult.LOST]
    run = world.run(RUN_ID)
    assert (run.status, run.error_code, run.deadline) == (Status.FAILURE, "ExecutionLost", None)
    assert b"ExecutionLost" in (world.opened(run, Content.ERROR) or b"")
    assert [each.error_code for each in world.bus.published] == ["ExecutionLost"]
    assert not world.queue.pushed


def test_a_run_can_be_failed_as_lost_while_kms_is_down(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running", execution_attempts=MAX_ATTEMPTS))
    world.cipher.cannot_seal = True
    time.advance(seconds=90)
    assert a_pass(world) == [RecoveryResult.LOST]
    assert world.run(RUN_ID).error_code == "ExecutionLost"


def test_a_run_whose_end_was_not_told_is_told_again(world: World, time: FakeClock) -> None:
    before = world.has_run(an_untold_run())
    time.advance(seconds=60)
    assert a_pass(world) == [RecoveryResult.PUBLISHED_AGAIN]
    assert world.bus.published == [before]
    run = world.run(RUN_ID)
    assert run == before.evolve(event_pending=False, deadline=None, revision=run.revision)


def test_a_bus_that_is_down_is_tried_again_more_and_more_rarely(world: World, time: FakeClock) -> None:
    world.has_run(an_untold_run())
    world.bus.fails = True
    tried = []
    for _ in range(60):
        time.advance(minutes=1)
        tried += a_pass(world)
        assert world.run(RUN_ID).event_pending
    assert set(tried) == {RecoveryResult.UNPUBLISHED}
    assert len(tried) < 10
    world.bus.fails = False
    time.advance(minutes=15)
    assert a_pass(world) == [RecoveryResult.PUBLISHED_AGAIN]
    assert not world.run(RUN_ID).event_pending


def swept(world: World, *, passes: int = 1000) -> tuple[dict[RecoveryResult, int], list[str]]:
    """What one pass of the watchdog did, and the runs it could not help. `passes` runs at most."""
    reported: list[str] = []
    left = iter(range(passes))
    done = recover_overdue(
        world.watchdog,
        has_time=lambda: next(left, None) is not None,
        report=lambda _, run: reported.append(run.id),
    )
    return dict(done), reported


class TestBacklog:
    @pytest.fixture
    def long(self, world: World) -> World:
        world.queue.backlog = MAX_CONCURRENT_EXECUTIONS + 1
        return world

    def test_a_run_that_waits_its_turn_is_not_pushed_again_until_the_backlog_has_gone(
        self, long: World, time: FakeClock
    ) -> None:
        long.has_run(a_run(status="pending"))
        for _ in range(10):
            time.advance(minutes=15)
            assert swept(long) == ({RecoveryResult.IN_BACKLOG: 1}, [])
        assert not long.queue.pushed
        long.queue.backlog = MAX_CONCURRENT_EXECUTIONS
        time.advance(minutes=15)
        assert swept(long) == ({RecoveryResult.PUSHED_AGAIN: 1}, [])

    def test_a_run_whose_executor_died_is_pushed(self, long: World, time: FakeClock) -> None:
        long.has_run(a_run(status="running"))
        time.advance(minutes=2)
        assert swept(long) == ({RecoveryResult.PUSHED_AGAIN: 1}, [])

    def test_a_run_that_was_delayed_is_pushed_when_it_is_due(self, long: World, time: FakeClock) -> None:
        due = NOW + timedelta(days=1)
        long.has_run(a_run(status="pending", not_before=due, deadline=due))
        time.advance(days=1, seconds=1)
        assert swept(long) == ({RecoveryResult.PUSHED_AGAIN: 1}, [])
        time.advance(minutes=5)
        assert swept(long) == ({RecoveryResult.IN_BACKLOG: 1}, [])

    def test_a_queue_that_does_not_tell_has_none(self, world: World, time: FakeClock) -> None:
        world.has_run(a_run(status="pending"))
        world.queue.fails = True
        time.advance(minutes=1)
        assert swept(world) == ({RecoveryResult.PUSHED_AGAIN: 1}, [])


def test_a_bucket_that_is_down_does_not_keep_other_runs_waiting(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        world.has_run(a_run(id=an_id(number), status="pending", staged=True, deadline=NOW))
    world.has_run(a_run(id=an_id(99), status="pending"))

    def times_out(_: FunctionRun) -> FunctionRun:
        raise Unavailable

    monkeypatch.setattr(world.runs, "move_staged", times_out)
    time.advance(minutes=5)
    done, reported = swept(world, passes=MAX_UNMOVED + 1)
    assert done == {RecoveryResult.UNMOVED: MAX_UNMOVED, RecoveryResult.PUSHED_AGAIN: 1}
    assert len(reported) == MAX_UNMOVED
    assert [pushed.run_id for pushed in world.queue.pushed] == [an_id(99)]


def test_a_bus_that_is_down_does_not_keep_open_runs_waiting(world: World, time: FakeClock) -> None:
    for number in range(20):
        world.has_run(an_untold_run().evolve(id=an_id(number), deadline=NOW))
    waiting = world.has_run(a_run(id=an_id(99), status="pending", deadline=NOW + timedelta(seconds=1)))
    world.bus.fails = True
    time.advance(minutes=2)
    done, _ = swept(world)
    assert done == {RecoveryResult.UNPUBLISHED: PUBLISHED_AT_ONCE, RecoveryResult.PUSHED_AGAIN: 1}
    assert world.queue.pushed == [(waiting.id, 0)]


def test_thousands_of_unpublished_ends_do_not_keep_an_open_run_waiting(world: World, time: FakeClock) -> None:
    for number in range(5_000):
        world.has_run(an_untold_run().evolve(id=an_id(number), deadline=NOW))
    waiting = world.has_run(a_run(id=an_id(5_000), status="pending", deadline=NOW + timedelta(seconds=1)))
    time.advance(minutes=2)
    done, _ = swept(world, passes=101)
    assert world.queue.pushed == [(waiting.id, 0)]
    assert done == {RecoveryResult.PUSHED_AGAIN: 1, RecoveryResult.PUBLISHED_AGAIN: 100 * PUBLISHED_AT_ONCE}
    assert len(world.bus.published) == 100 * PUBLISHED_AT_ONCE


def test_no_more_ends_are_read_in_a_pass_than_can_be_kept(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.domain.upkeep.recovery.MAX_ENDS", 12)
    for number in range(30):
        world.has_run(an_untold_run().evolve(id=an_id(number), deadline=NOW))
    time.advance(minutes=2)
    assert [swept(world)[0][RecoveryResult.PUBLISHED_AGAIN] for _ in range(3)] == [12, 12, 6]


def test_ends_are_published_even_if_what_else_is_overdue_cannot_be_read(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.has_run(an_untold_run())
    time.advance(minutes=2)
    read = list(world.runs.overdue())

    def breaks_off() -> Iterator[FunctionRun]:
        yield from read
        raise Unavailable

    monkeypatch.setattr(world.runs, "overdue", breaks_off)
    with pytest.raises(Unavailable):
        swept(world)
    assert not world.run(RUN_ID).event_pending


def test_one_event_that_is_never_taken_holds_up_no_other(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        world.has_run(an_untold_run().evolve(id=an_id(number), deadline=NOW))
    publish = world.bus.publish
    monkeypatch.setattr(
        world.bus, "publish", lambda runs: [] if runs[0].id == an_id(0) == runs[-1].id else publish(runs)[1:]
    )
    time.advance(minutes=2)
    assert swept(world)[0] == {RecoveryResult.UNPUBLISHED: 2, RecoveryResult.PUBLISHED_AGAIN: 18}


def test_a_run_that_cannot_be_helped_is_reported_and_the_others_are_helped(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.has_run(a_run(id=an_id(number), status="pending"))
    push = world.queue.push

    def push_but_one(run: FunctionRun, *, delay_seconds: int = 0) -> None:
        if run.id == an_id(1):
            raise Unavailable
        push(run, delay_seconds=delay_seconds)

    monkeypatch.setattr(world.queue, "push", push_but_one)
    time.advance(minutes=1)
    assert swept(world) == ({RecoveryResult.PUSHED_AGAIN: 2, RecoveryResult.FAILED: 1}, [an_id(1)])


def test_a_run_that_is_found_early_is_rescheduled_and_neither_time_nor_faults_are_overlooked(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = NOW + timedelta(minutes=15)
    for number in range(4):
        run = world.has_run(a_run(id=an_id(number), status="pending"))
        if number < 3:
            world.runs.transition(run, run.moved(status=Status.RUNNING, claim_token="a", deadline=lease))
    end = world.has_run(an_untold_run().evolve(id=an_id(4), deadline=NOW + timedelta(minutes=1)))
    world.runs.transition(end, end.moved(deadline=lease))
    reschedule = world.runs.reschedule

    def fails_for_one(run: FunctionRun) -> None:
        if run.id == an_id(0):
            raise Unavailable
        reschedule(run)

    time.advance(minutes=2)
    with monkeypatch.context() as patch:
        patch.setattr(world.runs, "reschedule", fails_for_one)
        done, reported = swept(world, passes=4)
    assert (done, reported) == (
        {RecoveryResult.PUSHED_AGAIN: 1, RecoveryResult.RESCHEDULED: 2, RecoveryResult.FAILED: 1},
        [an_id(0)],
    )
    assert swept(world) == ({RecoveryResult.RESCHEDULED: 2}, [])
    assert not world.bus.published
    assert swept(world) == ({}, [])


def test_a_pass_ends_when_its_time_is_up_and_the_next_goes_on(world: World, time: FakeClock) -> None:
    for number in range(5):
        world.has_run(a_run(id=an_id(number), status="pending"))
    time.advance(minutes=1)
    assert swept(world, passes=2)[0] == {RecoveryResult.PUSHED_AGAIN: 2}
    assert swept(world)[0] == {RecoveryResult.PUSHED_AGAIN: 3}


def test_a_queue_that_is_down_is_tried_again_later(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    world.queue.fails = True
    time.advance(minutes=1)
    a_pass(world)
    world.queue.fails = False
    time.advance(minutes=2)
    assert a_pass(world) == [RecoveryResult.PUSHED_AGAIN]
    assert world.queue.pushed == [(RUN_ID, 0)]


@pytest.mark.parametrize(
    "run", [a_run(status="pending"), a_run(status="running"), a_run(status="running", execution_attempts=3)]
)
def test_two_watchdogs_at_once_do_no_more_than_one(world: World, time: FakeClock, run: FunctionRun) -> None:
    world.has_run(run)
    time.advance(minutes=2)
    (first,) = world.runs.overdue()
    (second,) = world.runs.overdue()
    recover(first, world.watchdog)
    after_the_first = world.run(RUN_ID)
    recover(second, world.watchdog)
    assert world.run(RUN_ID) == after_the_first
    assert len(world.queue.pushed) + len(world.bus.published) == 1


@pytest.mark.parametrize("run", [a_run(status="pending"), a_run(status="running"), an_untold_run()])
def test_a_second_pass_at_once_finds_nothing_to_do(world: World, time: FakeClock, run: FunctionRun) -> None:
    world.has_run(run)
    time.advance(minutes=2)
    assert len(a_pass(world)) == 1
    assert a_pass(world) == []


def test_a_run_that_is_claimed_while_the_watchdog_looks_stays_claimed(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    time.advance(minutes=1)
    (overdue,) = world.runs.overdue()
    world.invoker.meanwhile = lambda: recover(overdue, world.watchdog)
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    assert not world.queue.pushed


def test_a_late_outcome_of_a_run_that_was_given_up_is_not_stored(world: World, time: FakeClock) -> None:
    def the_lease_ends() -> None:
        time.advance(seconds=91)
        assert a_pass(world) == [RecoveryResult.PUSHED_AGAIN]

    world.has_run(a_run(status="pending"))
    world.invoker.meanwhile = the_lease_ends
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.NOT_OURS
    assert world.run(RUN_ID).status is Status.PENDING
    assert world.opened(world.run(RUN_ID), Content.RESULT) is None


def test_a_run_ends_whatever_is_lost_on_the_way(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    world.invoker.script = [RetryLater("TooManyRequestsException"), OutcomeUnknown("ConnectionFailed")]
    world.queue.fails = True
    world.bus.fails = True
    for _ in range(60):
        time.advance(minutes=1)
        if world.run(RUN_ID).status.is_open and a_pass(world):
            execute(RUN_ID, world.execution_deps)
    world.bus.fails = False
    a_pass(world)
    run = world.run(RUN_ID)
    assert (run.status, run.execution_attempts) == (Status.COMPLETED, 2)
    assert (run.event_pending, run.deadline) == (False, None)
    assert len(world.bus.published) == 1
