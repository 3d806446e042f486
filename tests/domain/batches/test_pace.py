"""How many re-runs a batch may start, and when they are due: a rate that doubles up to its limit, and never a burst."""

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.batches.batch import MAX_STARTS, Batch, BatchState, Pace
from handlers.domain.batches.pace import AHEAD_SECONDS, CATCH_UP_SECONDS, allowed, allowed_at, due_times, seconds_for
from tests.builders import NOW, WORKSPACE, an_id
from tests.domain.batches.batching import most_beyond

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


def test_the_first_is_due_at_once_and_each_further_one_in_its_turn() -> None:
    batch = a_batch(Pace(start_per_second=0.5, max_per_second=0.5))
    assert allowed(batch, NOW) == 6
    due = due_times(batch, NOW, 6)
    assert due == [after(seconds) for seconds in (0, 2, 4, 6, 8, 10)]
    batch = batch.evolve(paced_until=due[-1])
    assert (allowed(batch, NOW), allowed(batch, after(1.999)), allowed(batch, after(2))) == (0, 0, 1)
    assert allowed_at(batch, NOW, 1) == after(2)


def test_a_canary_is_no_faster_later_than_at_first() -> None:
    batch = a_batch(Pace(start_per_second=1, max_per_second=100, double_every_seconds=1), BatchState.CANARY)
    assert due_times(batch, NOW, allowed(batch, NOW)) == [after(seconds) for seconds in range(11)]


@pytest.mark.parametrize(("rate", "burst"), [(0.1, 1), (1, 5), (10, 50)])
def test_what_was_not_started_for_a_while_is_lost(rate: float, burst: int) -> None:
    batch = a_batch(Pace(start_per_second=rate, max_per_second=rate)).evolve(paced_until=NOW)
    now = NOW + timedelta(days=1)
    assert sum(due <= now for due in due_times(batch, now, allowed(batch, now))) == burst


@given(
    pace=PACES,
    steps=st.lists(
        st.tuples(st.floats(0, 30), st.integers(0, 100), st.sampled_from([*"......", "again"])), max_size=60
    ),
    is_canary=st.booleans(),
)
def test_in_no_span_of_time_are_more_due_than_the_pace_allows_in_it(
    pace: Pace, steps: list[tuple[float, int, str]], is_canary: bool
) -> None:
    """Whenever steps are taken, however many sources there are, and however often it is paused and resumed."""
    batch = a_batch(pace, BatchState.CANARY if is_canary else BatchState.RUNNING)
    now = NOW
    due: list[datetime] = []
    executed: list[datetime] = []
    for wait, wanted, event in steps:
        now += timedelta(milliseconds=round(wait * 1000))
        if event == "again":
            paced_until = max(now, batch.paced_until) if batch.paced_until else None
            batch = batch.evolve(state=BatchState.RUNNING, ramp_began_at=now, paced_until=paced_until)
        new = due_times(batch, now, max(0, min(allowed(batch, now), wanted, MAX_STARTS)))
        if new:
            batch = batch.evolve(paced_until=new[-1])
        ahead = [(moment - now).total_seconds() for moment in new]
        due += [now + timedelta(seconds=max(0, seconds)) for seconds in ahead]
        executed += [now + timedelta(seconds=max(0, math.floor(seconds))) for seconds in ahead]
        not_due = [moment for moment in due if moment > now]
        assert len(not_due) <= MAX_STARTS
        assert all(moment <= now + timedelta(seconds=AHEAD_SECONDS + 0.002) for moment in not_due)
    at_once = max(1.0, pace.max_per_second * CATCH_UP_SECONDS) + 0.01
    assert most_beyond(due, pace.max_per_second) <= at_once
    assert most_beyond(executed, pace.max_per_second) <= at_once + pace.max_per_second


@given(pace=PACES, seconds=st.integers(0, 600), ahead=st.integers(0, 10))
def test_who_asks_when_more_may_be_started_is_not_early(pace: Pace, seconds: int, ahead: int) -> None:
    now = after(seconds)
    batch = a_batch(pace).evolve(paced_until=now + timedelta(seconds=ahead))
    moment = allowed_at(batch, now, 1)
    assert allowed(batch, moment) >= 1
    assert allowed(batch, moment - timedelta(milliseconds=2)) == 0


@given(pace=PACES)
def test_steps_that_are_taken_in_time_start_as_many_as_the_pace_allows(pace: Pace) -> None:
    batch, due = a_batch(pace), []
    for second in range(300):
        now = after(second)
        new = due_times(batch, now, allowed(batch, now))
        batch = batch.evolve(paced_until=new[-1] if new else batch.paced_until)
        due += new
    expected = next(count for count in range(40_000) if seconds_for(batch, NOW, count + 1) > 298)
    assert sum(moment <= after(298) for moment in due) == pytest.approx(expected, abs=2)
