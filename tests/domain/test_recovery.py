from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.execution import Verdict, execute
from handlers.domain.finish import MAX_ATTEMPTS
from handlers.domain.outcome import NotYet, Uncertain
from handlers.domain.paging import Page
from handlers.domain.recovery import MAX_UNTOLD, Remedy, recover, sweep
from handlers.domain.rerun import Asked, RerunBody, rerun
from handlers.domain.run import FunctionRun, Part, Status
from tests.builders import NOW, RUN_ID, WORKSPACE, a_run, an_id
from tests.fakes import FakeClock, World


def a_pass(world: World) -> list[Remedy]:
    """What the watchdog does each minute."""
    return [recover(run, world.watchdog) for run in list(world.runs.overdue())]


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
    assert a_pass(world) == [Remedy.PUSHED_AGAIN]
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
    assert a_pass(world) == [Remedy.PUSHED_AGAIN]
    run = world.run(RUN_ID)
    assert (run.status, run.claim_token, run.execution_attempts) == (Status.PENDING, None, 1)
    assert run.pin == before.pin
    assert execute(RUN_ID, world.executor) is Verdict.FINISHED
    assert world.run(RUN_ID).execution_attempts == 2


@pytest.mark.parametrize("attempts", [MAX_ATTEMPTS, MAX_ATTEMPTS + 1])
def test_a_running_run_that_was_lost_three_times_fails_as_lost(world: World, time: FakeClock, attempts: int) -> None:
    world.has_run(a_run(status="running", execution_attempts=attempts))
    time.advance(seconds=90)
    assert a_pass(world) == [Remedy.LOST]
    run = world.run(RUN_ID)
    assert (run.status, run.error_code, run.deadline) == (Status.FAILURE, "ExecutionLost", None)
    assert b"ExecutionLost" in (world.opened(run, Part.ERROR) or b"")
    assert [each.error_code for each in world.bus.announced] == ["ExecutionLost"]
    assert not world.queue.pushed


def test_a_run_can_be_failed_as_lost_while_kms_is_down(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running", execution_attempts=MAX_ATTEMPTS))
    world.cipher.cannot_seal = True
    time.advance(seconds=90)
    assert a_pass(world) == [Remedy.LOST]
    assert world.run(RUN_ID).error_code == "ExecutionLost"


def test_a_run_whose_end_was_not_told_is_told_again(world: World, time: FakeClock) -> None:
    before = world.has_run(an_untold_run())
    time.advance(seconds=60)
    assert a_pass(world) == [Remedy.ANNOUNCED]
    assert world.bus.announced == [before]
    assert world.run(RUN_ID) == before.evolve(event_pending=False, deadline=None)


def test_a_bus_that_is_down_is_tried_again_more_and_more_rarely(world: World, time: FakeClock) -> None:
    world.has_run(an_untold_run())
    world.bus.fails = True
    tried = []
    for _ in range(60):
        time.advance(minutes=1)
        tried += a_pass(world)
        assert world.run(RUN_ID).event_pending
    assert set(tried) == {Remedy.UNTOLD}
    assert len(tried) < 10
    world.bus.fails = False
    time.advance(minutes=15)
    assert a_pass(world) == [Remedy.ANNOUNCED]
    assert not world.run(RUN_ID).event_pending


def swept(world: World, *, passes: int = 1000) -> tuple[dict[Remedy, int], list[str]]:
    """What one pass of the watchdog did, and the runs it could not help. `passes` runs at most."""
    reported: list[str] = []
    left = iter(range(passes))
    done = sweep(
        world.watchdog,
        has_time=lambda: next(left, None) is not None,
        report=lambda _, run: reported.append(run.id),
    )
    return dict(done), reported


def test_a_bus_that_is_down_does_not_keep_open_runs_waiting(world: World, time: FakeClock) -> None:
    for number in range(20):
        world.has_run(an_untold_run().evolve(id=an_id(number), deadline=NOW))
    waiting = world.has_run(a_run(id=an_id(99), status="pending", deadline=NOW + timedelta(seconds=1)))
    world.bus.fails = True
    time.advance(minutes=2)
    done, _ = swept(world)
    assert done == {Remedy.UNTOLD: MAX_UNTOLD, Remedy.PUSHED_AGAIN: 1}
    assert world.queue.pushed == [(waiting.id, 0)]


def test_a_run_that_cannot_be_helped_is_reported_and_the_others_are_helped(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        world.has_run(a_run(id=an_id(number), status="pending"))
    push = world.queue.push

    def push_but_one(run: FunctionRun, *, delay_seconds: int = 0) -> bool:
        if run.id == an_id(1):
            raise Unavailable
        return push(run, delay_seconds=delay_seconds)

    monkeypatch.setattr(world.queue, "push", push_but_one)
    time.advance(minutes=1)
    assert swept(world) == ({Remedy.PUSHED_AGAIN: 2, Remedy.FAILED: 1}, [an_id(1)])


def test_a_pass_ends_when_its_time_is_up_and_the_next_goes_on(world: World, time: FakeClock) -> None:
    for number in range(5):
        world.has_run(a_run(id=an_id(number), status="pending"))
    time.advance(minutes=1)
    assert swept(world, passes=2)[0] == {Remedy.PUSHED_AGAIN: 2}
    assert swept(world)[0] == {Remedy.PUSHED_AGAIN: 3}


def test_a_queue_that_is_down_is_tried_again_later(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    world.queue.fails = True
    time.advance(minutes=1)
    a_pass(world)
    world.queue.fails = False
    time.advance(minutes=2)
    assert a_pass(world) == [Remedy.PUSHED_AGAIN]
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
    assert len(world.queue.pushed) + len(world.bus.announced) == 1


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
    assert execute(RUN_ID, world.executor) is Verdict.FINISHED
    assert not world.queue.pushed


def test_a_late_outcome_of_a_run_that_was_given_up_is_not_stored(world: World, time: FakeClock) -> None:
    def the_lease_ends() -> None:
        time.advance(seconds=91)
        assert a_pass(world) == [Remedy.PUSHED_AGAIN]

    world.has_run(a_run(status="pending"))
    world.invoker.meanwhile = the_lease_ends
    assert execute(RUN_ID, world.executor) is Verdict.NOT_OURS
    assert world.run(RUN_ID).status is Status.PENDING
    assert world.opened(world.run(RUN_ID), Part.RESULT) is None


def test_a_run_ends_whatever_is_lost_on_the_way(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="pending"))
    world.invoker.script = [NotYet("TooManyRequestsException"), Uncertain("ConnectionFailed")]
    world.queue.fails = True
    world.bus.fails = True
    for _ in range(60):
        time.advance(minutes=1)
        if world.run(RUN_ID).status.is_open and a_pass(world):
            execute(RUN_ID, world.executor)
    world.bus.fails = False
    a_pass(world)
    run = world.run(RUN_ID)
    assert (run.status, run.execution_attempts) == (Status.COMPLETED, 2)
    assert (run.event_pending, run.deadline) == (False, None)
    assert len(world.bus.announced) == 1


class Death(BaseException):
    """The Lambda is gone: nothing is caught, nothing is cleaned up."""


class Mortal:
    """A port that dies with its caller at one of the calls that the caller makes, before or after its effect."""

    def __init__(self, port: Any, clock: "Calls") -> None:
        self._port = port
        self._clock = clock

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            number = next(self._clock)
            if number == self._clock.last and not self._clock.after:
                raise self._clock.end
            answer = getattr(self._port, name)(*arguments, **named)
            if number == self._clock.last:
                raise self._clock.end
            return answer

        return call


class Calls:
    """Counts the calls to all ports of one caller, of which the last is its end."""

    def __init__(self, last: int, end: BaseException, *, after: bool) -> None:
        self.made, self.last, self.end, self.after = 0, last, end, after

    def __next__(self) -> int:
        self.made += 1
        return self.made

    def mortal(self, tools: tuple[Any, ...]) -> Any:
        """The tools of a story, whose ports die together. What is no port is left as it is."""
        kept = {"retention"}
        ports = cast("Any", tools)._asdict()
        return cast("Any", tools)._replace(
            **{name: Mortal(port, self) for name, port in ports.items() if name not in kept}
        )


def an_hour_passes(world: World, time: FakeClock) -> None:
    """The watchdog looks each minute, and what it or an executor has pushed is delivered."""
    for _ in range(60):
        time.advance(minutes=1)
        a_pass(world)
        pushed, world.queue.pushed = world.queue.pushed, []
        for message in pushed:
            execute(message.run_id, world.executor)


ENDS = [Death(), Unavailable()]
MOMENTS = pytest.mark.parametrize("after", [False, True], ids=["before-it", "after-it"])
EACH_END = pytest.mark.parametrize("end", ENDS, ids=["the-executor-dies", "aws-is-down"])


@pytest.mark.parametrize("call", range(1, 11))
@EACH_END
@MOMENTS
def test_a_run_ends_at_whichever_call_its_executor_is_interrupted(
    world: World, time: FakeClock, call: int, end: BaseException, *, after: bool
) -> None:
    world.has_run(a_run(status="pending"))
    calls = Calls(call, end, after=after)
    with suppress(Death, Unavailable):
        execute(RUN_ID, calls.mortal(world.executor))
    assert calls.made >= call
    an_hour_passes(world, time)
    run = world.run(RUN_ID)
    assert (run.status, run.event_pending, run.deadline) == (Status.COMPLETED, False, None)
    assert 1 <= len(world.invoker.invocations) <= 2
    assert 1 <= len(world.bus.announced) <= 2


@pytest.mark.parametrize("call", range(1, 8))
@EACH_END
@MOMENTS
def test_a_rerun_is_refused_whole_or_it_ends(
    world: World, time: FakeClock, call: int, end: BaseException, *, after: bool
) -> None:
    world.has_registered()
    world.has_run(a_run())
    calls = Calls(call, end, after=after)
    asked = Asked(WORKSPACE, RUN_ID, "user-123", RerunBody.read({"overrideParams": {"a": 1}}))
    with suppress(Death, Unavailable):
        rerun(asked, calls.mortal(world.rerunner))
    assert calls.made >= call
    an_hour_passes(world, time)
    reruns = [run for run in world.runs.runs.values() if run.is_rerun]
    assert [run.status for run in reruns] in ([], [Status.COMPLETED])
    assert world.run(RUN_ID).rerun_count == len(reruns)
    assert [run.id for run in reruns] == world.runs.edges(RUN_ID, Page(10)).run_ids
    assert len(world.invoker.invocations) == len(reruns)


@pytest.mark.parametrize("call", [1, 2, 3])
@pytest.mark.parametrize("status", ["pending", "running"])
@EACH_END
@MOMENTS
def test_a_run_ends_at_whichever_call_its_watchdog_is_interrupted(
    world: World, time: FakeClock, call: int, status: str, end: BaseException, *, after: bool
) -> None:
    world.has_run(a_run(status=status, execution_attempts=3 if status == "running" else 0))
    time.advance(minutes=2)
    with suppress(Death, Unavailable):
        recover(world.run(RUN_ID), Calls(call, end, after=after).mortal(world.watchdog))
    an_hour_passes(world, time)
    run = world.run(RUN_ID)
    assert not run.status.is_open
    assert (run.event_pending, run.deadline) == (False, None)
