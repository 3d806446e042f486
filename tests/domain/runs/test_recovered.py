"""Whether an original is recovered: what runs show, and who sets the mark."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.history import last_rerun_status
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Status
from tests.as_shown import as_shown
from tests.builders import NOW, RUN_ID, a_rerun, a_run, an_id
from tests.domain.watching import an_hour_passes
from tests.fakes import FakeClock, World

FAILED = Outcome.of_error("KeyError", "It is not there.")
COMPLETED = Outcome(Status.COMPLETED, result=b"1")


def shown(run: FunctionRun) -> tuple[Any, Any]:
    document = as_shown(run)
    return document["recovered"], document["recoveredBy"]


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("by", [None, an_id(1)])
def test_only_an_original_that_has_failed_is_recovered_or_not(status: Status, by: str | None) -> None:
    original = a_run(status=status, recovered_by=by)
    expected = (by is not None, by) if status in ("failure", "timeout") else (None, None)
    assert shown(original) == expected
    assert shown(a_rerun(original, status=status)) == (None, None)


def has_lineage(world: World, status: str = "failure", **changes: Any) -> FunctionRun:
    """An original, and a re-run of it that is to be executed."""
    original = world.has_run(a_run(status=status))
    return world.has_run(a_rerun(original, id=an_id(1), status="pending", **changes))


def test_a_rerun_that_completes_recovers_its_original_before_its_end_is_published(world: World) -> None:
    rerun = has_lineage(world)
    world.bus.fails = True
    execute(rerun.id, world.execution_deps)
    assert (world.run(RUN_ID).recovered, world.run(RUN_ID).recovered_by) == (True, rerun.id)
    assert world.run(rerun.id).event_pending


def test_the_first_that_completes_is_named(world: World) -> None:
    first = has_lineage(world)
    second = world.has_run(a_rerun(world.run(RUN_ID), id=an_id(2), status="pending"))
    for run in (second, first):
        execute(run.id, world.execution_deps)
    assert world.run(RUN_ID).recovered_by == second.id


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({}, FAILED), ({"execution_source": "experiment"}, COMPLETED), ({"function_id": an_id(7)}, COMPLETED)],
    ids=["fails", "is an experiment's", "is of another function"],
)
def test_a_rerun_recovers_nothing_if_it(world: World, changes: dict[str, Any], outcome: Outcome) -> None:
    rerun = has_lineage(world, **changes)
    world.invoker.script = [outcome]
    execute(rerun.id, world.execution_deps)
    assert world.run(RUN_ID).recovered is False


def test_an_end_whose_original_could_not_be_marked_is_published_by_the_watchdog_once_it_is(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rerun = has_lineage(world)
    with monkeypatch.context() as patch:
        patch.setattr(world.runs, "mark_recovered", unavailable)
        assert execute(rerun.id, world.execution_deps).result is ExecutionResult.FINISHED
    assert not world.bus.published
    an_hour_passes(world, time)
    assert world.run(RUN_ID).recovered
    assert [run.id for run in world.bus.published] == [rerun.id]


def unavailable(_: FunctionRun) -> None:
    raise Unavailable


LIVES = st.lists(
    st.tuples(
        st.sampled_from([FAILED, COMPLETED, Outcome(Status.TIMEOUT, error_code="Sandbox.Timedout")]),
        st.sampled_from(["rerun", "retry", "experiment"]),
        st.sampled_from(["nothing", "the bus is down", "no mark can be set", "it is delivered twice"]),
    ),
    min_size=1,
    max_size=4,
)


@given(LIVES, st.randoms(use_true_random=False))
def test_whoever_ends_first_and_whatever_fails_meanwhile_the_mark_is_right_in_the_end(
    lives: list[tuple[Outcome, str, str]], random: Any
) -> None:
    """The first is the original's, the others are of its re-runs."""
    world, time = World(), FakeClock()
    runs = [a_run(status="pending", deadline=NOW)]
    runs += [
        a_rerun(runs[0], id=an_id(number), status="pending", execution_source=source, deadline=NOW)
        for number, (_, source, _) in enumerate(lives[1:], start=1)
    ]
    for run in runs:
        world.has_run(run)
    in_order = list(zip(runs, lives, strict=True))
    random.shuffle(in_order)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", time)
        for run, (outcome, _, meanwhile) in in_order:
            world.invoker.script = [outcome]
            with patch.context() as patched:
                if meanwhile == "no mark can be set":
                    patched.setattr(world.runs, "mark_recovered", unavailable)
                world.bus.fails = meanwhile == "the bus is down"
                for _ in range(2 if meanwhile == "it is delivered twice" else 1):
                    execute(run.id, world.execution_deps)
        world.bus.fails = False
        an_hour_passes(world, time)
    original = world.run(RUN_ID)
    recovering = {
        run.id
        for run, (outcome, source, _) in zip(runs[1:], lives[1:], strict=True)
        if outcome is COMPLETED and source != "experiment"
    }
    assert (original.recovered_by in recovering) if recovering else original.recovered_by is None
    assert original.recovered == (bool(recovering) if lives[0][0] is not COMPLETED else None)
    assert not [run for run in world.runs.runs.values() if run.event_pending or run.deadline]


@pytest.mark.parametrize(
    ("sources", "expected"),
    [([], None), (["rerun"], 1), (["rerun", "retry"], 2), (["retry", *["experiment"] * 12], 1), (["experiment"], None)],
)
def test_the_last_reruns_status_is_that_of_the_newest_that_is_no_experiments(
    world: World, sources: list[str], expected: int | None
) -> None:
    original = world.has_run(a_run(status="failure"))
    statuses = [Status.RUNNING, Status.FAILURE, *[Status.PENDING] * 20]
    for number, (source, status) in enumerate(zip(sources, statuses, strict=False), start=1):
        world.has_run(a_rerun(original, id=an_id(number), execution_source=source, status=status))
    found = last_rerun_status(world.run(RUN_ID), world.runs)
    assert found == (None if expected is None else statuses[expected - 1])
    assert last_rerun_status(a_rerun(original), world.runs) is None
