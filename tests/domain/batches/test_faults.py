"""A step that fails or dies at any of its calls: the batch ends all the same, and its books are exact."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from typing import Any

import pytest

from handlers.domain import clock
from handlers.domain.batches.batch import BatchState
from handlers.domain.errors import Unavailable
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun
from tests.builders import NOW, a_rerun, an_id
from tests.domain.batches.batching import FAILURE, carry_on, check_books, has_failed, started
from tests.fakes import FakeClock, World
from tests.faults.ports import PortFaults


class Died(BaseException):
    pass


class Faulty:
    """A port whose calls are counted, and fail as planned."""

    def __init__(self, target: Any, faults: PortFaults) -> None:
        self._target, self._faults = target, faults

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return found

        def call(*given: Any, **named: Any) -> Any:
            with self._faults.call():
                return found(*given, **named)

        return call


def _next(outcomes: Iterator[Outcome], _: FunctionRun) -> Outcome | None:
    return next(outcomes, None)


PORTS = ("batches", "executions", "runs", "run_index", "registry", "cipher", "queue")


@pytest.mark.parametrize("error", [Unavailable(), Died()], ids=["fails", "dies"])
@pytest.mark.parametrize("answer_lost", [False, True], ids=["before", "after"])
def test_a_fault_at_any_call_costs_no_source_and_starts_none_twice(
    time: FakeClock, monkeypatch: pytest.MonkeyPatch, error: BaseException, *, answer_lost: bool
) -> None:
    for nth in count(1):
        time.moment = NOW
        world, faults = World(), PortFaults()
        originals = has_failed(world, 9)
        world.has_run(a_rerun(originals[2], id=an_id(1002), status="pending"))
        world.has_run(a_rerun(originals[3], id=an_id(1003), status="failure"))
        deps = world.step_deps
        ports: dict[str, Any] = {name: Faulty(getattr(deps, name), faults) for name in PORTS}
        monkeypatch.setattr(World, "step_deps", deps._replace(**ports))
        batch = started(
            world,
            canary={"count": 2},
            pace={"startPerSecond": 100, "maxPerSecond": 100},
            stopWhen={"sameErrorGroup": False},
        )
        faults.inject(nth, error, answer_lost=answer_lost)
        batch = carry_on(world, time, batch.id, outcome=partial(_next, iter([FAILURE])), dies=Died)
        monkeypatch.undo()
        monkeypatch.setattr(clock, "now", time)
        assert batch.state is BatchState.COMPLETED
        assert (batch.progress.started, batch.progress.completed, batch.progress.skipped) == (8, 7, {"open": 1})
        check_books(batch, world)
        if faults.calls < nth:
            break
    assert nth > 60
