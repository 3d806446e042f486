"""A re-run that is asked for with `ifNotRecovered`: once a lineage, and by the rule that its refusal names."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import clock
from handlers.domain.errors import AlreadyRecovered, FunctionNotFound, RerunOpen, RunNotFound, Unavailable
from handlers.domain.paging import MAX_SIZE, Page
from handlers.domain.runs.history import EdgePage
from handlers.domain.runs.recording import Retention
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.starting.recovered_check import check_not_recovered, refuse_unless_recoverable
from handlers.domain.starting.rerun import prepare
from handlers.domain.starting.start import LineageMoved, NewRun, commit
from tests.builders import FUNCTION_ID, NOW, RUN_ID, a_rerun, a_run, an_id
from tests.domain.starting.rerunning import nothing_happened, request, rerun
from tests.fakes import World

RETENTION = Retention(90)
PENDING_RETRY = {"status": "failure", "retriable": True, "event_pending": True}


def has(world: World, *reruns: dict[str, Any], **original: Any) -> FunctionRun:
    """A lineage; an original that is not said to be otherwise has failed."""
    world.has_registered()
    first = world.has_run(a_run(**{"status": "failure"} | original))
    for number, changes in enumerate(reruns, start=1):
        world.has_run(a_rerun(first, id=an_id(number), **{"status": "failure"} | changes))
    return world.run(RUN_ID)


def refused(world: World, run_id: str = RUN_ID) -> tuple[type[Exception], str]:
    with pytest.raises((AlreadyRecovered, RerunOpen)) as refusal:
        rerun(request(run_id, ifNotRecovered=True), world)
    assert nothing_happened(world)
    assert isinstance(refusal.value, AlreadyRecovered | RerunOpen)
    return type(refusal.value), refusal.value.run_id


@pytest.mark.parametrize(
    "reruns",
    [
        [],
        [{}],
        [{"status": "timeout"}, {"status": "cancelled"}],
        [{"execution_source": "experiment", "status": "completed"}],
        [{"function_id": an_id(7), "status": "completed"}],
        [PENDING_RETRY | {"event_pending": False}],
    ],
)
def test_a_lineage_that_nothing_has_recovered_is_rerun(world: World, reruns: list[dict[str, Any]]) -> None:
    has(world, *reruns)
    new = rerun(request(ifNotRecovered=True), world)
    assert world.run(new.id).is_rerun
    assert world.run(RUN_ID).rerun_count == len(reruns) + 1


@pytest.mark.parametrize(
    ("original", "reruns", "by"),
    [
        ({"status": "completed"}, [], RUN_ID),
        ({}, [{"status": "completed"}], an_id(1)),
        ({"recovered_by": an_id(8)}, [], an_id(8)),
        ({"status": "completed"}, [{"status": "pending"}], RUN_ID),
        ({}, [{"status": "pending"}, {"status": "completed"}], an_id(2)),
    ],
)
def test_a_lineage_of_which_a_run_has_completed_is_refused_and_the_run_named(
    world: World, original: dict[str, Any], reruns: list[dict[str, Any]], by: str
) -> None:
    has(world, *reruns, **original)
    assert refused(world) == (AlreadyRecovered, by)


def test_a_source_that_has_itself_completed_is_refused_whatever_it_is(world: World) -> None:
    has(world, {"execution_source": "experiment", "status": "completed"})
    assert refused(world, an_id(1)) == (AlreadyRecovered, an_id(1))


@pytest.mark.parametrize(
    ("original", "reruns", "by"),
    [
        ({"status": "running"}, [], RUN_ID),
        (PENDING_RETRY, [], RUN_ID),
        ({}, [{"status": "pending"}], an_id(1)),
        ({}, [{}, {"status": "running", "execution_source": "experiment"}], an_id(2)),
        ({}, [PENDING_RETRY], an_id(1)),
    ],
)
def test_a_lineage_of_which_a_run_is_open_is_refused_and_the_run_named(
    world: World, original: dict[str, Any], reruns: list[dict[str, Any]], by: str
) -> None:
    has(world, *reruns, **original)
    assert refused(world) == (RerunOpen, by)


def test_the_contracts_refusals_come_first(world: World) -> None:
    has(world, {"status": "completed"})
    world.registry.functions.clear()
    with pytest.raises(FunctionNotFound):
        rerun(request(ifNotRecovered=True), world)


def test_without_the_field_nothing_of_that_is_asked(world: World) -> None:
    has(world, {"status": "completed"}, {"status": "pending"})
    assert rerun(request(ifNotRecovered=False), world).is_rerun
    assert rerun(request(), world).is_rerun


def test_a_rerun_of_a_lineage_whose_original_is_gone_is_refused_as_always(world: World) -> None:
    with pytest.raises(RunNotFound):
        check_not_recovered(a_rerun(a_run(), status="failure"), world.runs, RETENTION)


def test_a_lineage_that_was_rerun_since_it_was_looked_at_is_looked_at_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(world)
    others = iter([an_id(1)])

    def looked_at(source: FunctionRun, runs: Any, retention: Retention) -> int:
        count = check_not_recovered(source, runs, retention)
        for other in others:
            world.has_run(a_rerun(world.run(RUN_ID), id=other, status="pending"))
        return count

    monkeypatch.setattr("handlers.domain.starting.rerun.check_not_recovered", looked_at)
    assert refused(world) == (RerunOpen, an_id(1))


def test_what_was_decided_on_an_earlier_lineage_is_not_recorded(world: World) -> None:
    has(world)
    prepared = [prepare(request(ifNotRecovered=True), world.rerun_deps) for _ in range(50)]
    started = 0
    for each in prepared:
        assert isinstance(each, NewRun)
        try:
            commit(each, world.start_deps)
        except LineageMoved:
            continue
        started += 1
    assert started == 1
    assert world.run(RUN_ID).rerun_count == 1


def test_a_rerun_that_has_been_counted_and_is_not_to_be_seen_yet_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    has(world, {"status": "pending"})
    edges, pages = world.runs.edges, iter([EdgePage([], None)])
    monkeypatch.setattr(world.runs, "edges", lambda *of: next(pages, None) or edges(*of))
    assert refused(world) == (RerunOpen, an_id(1))


def test_reruns_that_have_expired_are_no_hindrance(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    has(world, {"expires_at": NOW + RETENTION.span}, {"expires_at": NOW + 2 * RETENTION.span})
    world.runs.runs[RUN_ID] = world.run(RUN_ID).evolve(expires_at=NOW + 2 * RETENTION.span)
    monkeypatch.setattr(clock, "now", lambda: NOW + RETENTION.span)
    assert check_not_recovered(world.run(RUN_ID), world.runs, RETENTION) == 2


def test_a_rerun_that_was_counted_and_is_never_seen_may_be_open(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    has(world, {"status": "pending"})
    monkeypatch.setattr(world.runs, "edges", lambda *_: EdgePage([], None))
    with pytest.raises(Unavailable):
        rerun(request(ifNotRecovered=True), world)
    assert nothing_happened(world)


@pytest.mark.parametrize("age", [timedelta(), RETENTION.span])
def test_a_rerun_that_is_listed_and_cannot_be_read_may_be_open(
    world: World, monkeypatch: pytest.MonkeyPatch, age: timedelta
) -> None:
    has(world, {}, {}, expires_at=NOW + 2 * RETENTION.span)
    # Written by a newer release, say.
    del world.runs.runs[an_id(1)]
    world.runs.runs[an_id(2)] = world.run(an_id(2)).evolve(expires_at=NOW + 2 * RETENTION.span)
    monkeypatch.setattr(clock, "now", lambda: NOW + age)
    with pytest.raises(Unavailable):
        check_not_recovered(world.run(RUN_ID), world.runs, RETENTION)


def test_no_more_is_read_than_up_to_what_stands_against_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    has(world, {"status": "pending"}, *[{}] * MAX_SIZE)
    edges, pages = world.runs.edges, iter([world.runs.edges(RUN_ID, Page(MAX_SIZE))])
    monkeypatch.setattr(world.runs, "edges", lambda *_: next(pages))
    assert refused(world) == (RerunOpen, an_id(1))
    assert edges(RUN_ID, Page(MAX_SIZE)).last_position is not None


STATES = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["failure", "failure", "failure", "timeout", "completed", "pending"]),
        "execution_source": st.sampled_from(["rerun", "retry", "experiment"]),
        "function_id": st.sampled_from([FUNCTION_ID, FUNCTION_ID, an_id(7)]),
        "retriable": st.booleans(),
        "event_pending": st.booleans(),
    }
)


def preview(world: World, source: FunctionRun, original: FunctionRun) -> None:
    """As a plan does it."""
    newest = world.plan_deps.surroundings.read(source, with_reruns=True).newest
    refuse_unless_recoverable(source, original, reversed(newest))


@given(st.lists(STATES, max_size=5), st.integers(0, 5))
def test_a_preview_of_a_short_lineage_says_what_the_request_is_told(reruns: list[dict[str, Any]], nth: int) -> None:
    world = World()
    original = has(world, *reruns)
    source = world.run(an_id(nth)) if 1 <= nth <= len(reruns) else original

    def told(asked: Any) -> Any:
        try:
            asked()
        except (AlreadyRecovered, RerunOpen) as refusal:
            return type(refusal), refusal.run_id

    expected = told(lambda: check_not_recovered(source, world.runs, RETENTION))
    assert told(lambda: preview(world, source, original)) == expected
    is_open = any(Status(each["status"]).is_open for each in reruns)
    assert expected is not None or not is_open


def test_a_preview_reads_no_more_than_the_newest(world: World) -> None:
    original = has(world, {"status": "completed"}, *[{}] * MAX_SIZE)
    preview(world, original, original)
    with pytest.raises(AlreadyRecovered):
        check_not_recovered(original, world.runs, RETENTION)
