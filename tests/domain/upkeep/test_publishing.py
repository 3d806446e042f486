"""Ends of re-runs that are published again, many at once: each once its original is marked as recovered."""

from datetime import timedelta

import pytest

from handlers.domain.runs.run import FunctionRun
from handlers.domain.upkeep.recovery import RecoveryResult, recover_overdue
from tests.builders import NOW, a_rerun, a_run, an_id
from tests.fakes import FakeClock, World

MANY = 12


@pytest.fixture
def unpublished(world: World, time: FakeClock) -> World:
    """Failed originals, and of each a re-run that has completed, whose end is still to be published."""
    for number in range(MANY):
        original = world.has_run(a_run(id=an_id(number), status="failure"))
        pending = {"event_pending": True, "deadline": NOW + timedelta(seconds=60)}
        world.has_run(a_rerun(original, id=an_id(100 + number), **pending))
    time.advance(seconds=60)
    return world


def swept(world: World) -> tuple[dict[RecoveryResult, int], list[str]]:
    """The results of a pass, and the runs that were reported."""
    reported: list[str] = []
    done = recover_overdue(world.watchdog, has_time=lambda: True, report=lambda _, run: reported.append(run.id))
    return dict(done), reported


def test_originals_are_marked_before_the_ends_of_their_reruns_are_published(unpublished: World) -> None:
    unpublished.bus.fails = True
    swept(unpublished)
    assert [number for number in range(MANY) if not unpublished.run(an_id(number)).recovered] == [10, 11], (
        "of those that were tried, all"
    )
    assert not unpublished.bus.published


def test_one_that_cannot_be_marked_is_reported_and_comes_again_and_keeps_no_other_waiting(
    unpublished: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = unpublished.runs.mark_recovered

    def fails_for_one(rerun: FunctionRun) -> None:
        if rerun.id == an_id(103):
            raise RuntimeError
        mark(rerun)

    with monkeypatch.context() as patch:
        patch.setattr(unpublished.runs, "mark_recovered", fails_for_one)
        done, reported = swept(unpublished)
    assert done == {RecoveryResult.PUBLISHED_AGAIN: MANY - 1, RecoveryResult.UNPUBLISHED: 1}
    assert reported == [an_id(103)]
    assert an_id(103) not in {run.id for run in unpublished.bus.published}
    assert unpublished.run(an_id(103)).event_pending

    time.advance(minutes=2)
    assert swept(unpublished) == ({RecoveryResult.PUBLISHED_AGAIN: 1}, [])
    assert all(unpublished.run(an_id(number)).recovered for number in range(MANY))
