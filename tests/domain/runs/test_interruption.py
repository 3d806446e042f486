"""Whoever works on a run may be gone at any call: the run ends all the same."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.paging import Page
from handlers.domain.runs.execution import execute
from handlers.domain.runs.run import Status
from handlers.domain.starting.rerun import RerunBody, RerunRequest, prepare
from handlers.domain.starting.start import NewRun, commit
from handlers.domain.upkeep.recovery import recover
from tests.builders import RUN_ID, WORKSPACE, a_run
from tests.domain.watching import an_hour_passes
from tests.fakes import FakeClock, World


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
        execute(RUN_ID, calls.mortal(world.execution_deps))
    assert calls.made >= call
    an_hour_passes(world, time)
    run = world.run(RUN_ID)
    assert (run.status, run.event_pending, run.deadline) == (Status.COMPLETED, False, None)
    assert 1 <= len(world.invoker.invocations) <= 2
    assert 1 <= len(world.bus.published) <= 2


@pytest.mark.parametrize("call", range(1, 8))
@EACH_END
@MOMENTS
def test_a_rerun_is_refused_whole_or_it_ends(
    world: World, time: FakeClock, call: int, end: BaseException, *, after: bool
) -> None:
    world.has_registered()
    world.has_run(a_run())
    calls = Calls(call, end, after=after)
    request = RerunRequest(WORKSPACE, RUN_ID, "user-123", RerunBody.read({"overrideParams": {"a": 1}}))
    with suppress(Death, Unavailable):
        prepared = prepare(request, calls.mortal(world.rerun_deps))
        assert isinstance(prepared, NewRun)
        commit(prepared, calls.mortal(world.start_deps))
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
