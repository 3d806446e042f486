"""How many re-runs a batch may start: a rate that doubles up to its limit, and never a burst."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.batches.batch import Batch, BatchState, Pace
from handlers.domain.batches.pace import CATCH_UP_SECONDS, allowed, allowed_at, seconds_for, used_up
from tests.builders import NOW, WORKSPACE, an_id

RATES = st.sampled_from([0.1, 0.3, 1.0, 2.5, 7.0, 10.0, 50.0, 100.0])
PACES = st.builds(
    lambda start, most, every: Pace(
        start_per_second=min(start, most), max_per_second=max(start, most), double_every_seconds=every
    ),
    RATES,
    RATES,
    st.integers(1, 60),
)


def a_batch(pace: Pace, state: BatchState = BatchState.RUNNING) -> Batch:
    began = NOW if state is BatchState.RUNNING else None
    return Batch(
        id=an_id(1),
        workspace=WORKSPACE,
        created_at=NOW,
        by="alice",
        state=state,
        pace=pace,
        ramp_began_at=began,
        expires_at=NOW,
    )


def after(seconds: float) -> datetime:
    return NOW + timedelta(milliseconds=round(seconds * 1000))


@pytest.mark.parametrize(
    ("starts", "seconds"),
    [(0, 0), (15, 15), (30, 30), (31, 30.5), (90, 60), (94, 61), (210, 90), (218, 91), (290, 100)],
)
def test_the_rate_doubles_after_each_period_until_it_is_at_its_limit(starts: int, seconds: float) -> None:
    """One a second at first; two after 30 seconds, four after 60, and eight from 90 on."""
    batch = a_batch(Pace(start_per_second=1, max_per_second=8, double_every_seconds=30))
    assert seconds_for(batch, NOW, starts) == pytest.approx(seconds, abs=0.002)


def test_a_rate_that_doubles_beyond_its_limit_is_cut_to_that() -> None:
    batch = a_batch(Pace(start_per_second=3, max_per_second=10, double_every_seconds=10))
    assert seconds_for(batch, NOW, 30 + 60 + 100) == pytest.approx(10 + 10 + 10, abs=0.002)


def test_the_first_is_started_at_once_and_each_further_one_in_its_turn() -> None:
    batch = a_batch(Pace(start_per_second=0.5, max_per_second=0.5))
    assert allowed(batch, NOW) == 1
    batch = batch.evolve(paced_until=used_up(batch, NOW, 1))
    assert (allowed(batch, NOW), allowed(batch, after(1.999)), allowed(batch, after(2))) == (0, 0, 1)
    assert allowed_at(batch, NOW, 1) == after(2)


@pytest.mark.parametrize(("rate", "burst"), [(0.1, 1), (1, 5), (10, 50)])
def test_what_was_not_started_for_a_while_is_lost(rate: float, burst: int) -> None:
    batch = a_batch(Pace(start_per_second=rate, max_per_second=rate)).evolve(paced_until=NOW)
    assert allowed(batch, NOW + timedelta(days=1)) == burst


@given(
    pace=PACES,
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.integers(0, 100), st.sampled_from([*"......", "again"])), max_size=60
    ),
    is_canary=st.booleans(),
)
def test_no_span_of_time_has_more_starts_than_the_pace_allows_in_it(
    pace: Pace, steps: list[tuple[float, int, str]], is_canary: bool
) -> None:
    """Whenever steps are taken, however many sources there are, and however often it is paused and resumed."""
    batch = a_batch(pace, BatchState.CANARY if is_canary else BatchState.RUNNING)
    now, started = NOW, []
    for wait, wanted, event in steps:
        now += timedelta(milliseconds=round(wait * 1000))
        if event == "again":
            batch = batch.evolve(
                state=BatchState.RUNNING, ramp_began_at=now, paced_until=now if batch.paced_until else None
            )
        starts = min(allowed(batch, now), wanted)
        if starts > 0:
            batch = batch.evolve(paced_until=used_up(batch, now, starts))
            started.append((now, starts))
    for first, (begin, _) in enumerate(started):
        counted = 0
        for moment, starts in started[first:]:
            counted += starts
            span = (moment - begin).total_seconds()
            assert counted <= max(1.0, pace.max_per_second * CATCH_UP_SECONDS) + pace.max_per_second * span + 0.01


@given(pace=PACES, seconds=st.integers(0, 600))
def test_who_asks_when_more_may_be_started_is_not_early(pace: Pace, seconds: int) -> None:
    now = after(seconds)
    batch = a_batch(pace).evolve(paced_until=now)
    moment = allowed_at(batch, now, 1)
    assert allowed(batch, moment) >= 1
    assert allowed(batch, moment - timedelta(milliseconds=2)) == 0


@given(pace=PACES)
def test_steps_that_are_taken_in_time_start_as_many_as_the_pace_allows(pace: Pace) -> None:
    batch, started = a_batch(pace), 0
    for second in range(0, 300, 2):
        now = after(second)
        starts = allowed(batch, now)
        batch = batch.evolve(paced_until=used_up(batch, now, starts))
        started += starts
    expected = next(count for count in range(40_000) if seconds_for(batch, NOW, count + 1) > 298)
    assert started == pytest.approx(expected, abs=2)
