"""How many re-runs a batch may start now, and when each of them is due. Nothing here reads or writes.

The rate is `startPerSecond` at first, and doubles after each `doubleEverySeconds` until it is `maxPerSecond`. Each
start uses up as much time as the rate at that time says, and of what has not been used up more than `CATCH_UP_SECONDS`
is lost. So there is no burst after a pause or an outage: in no span of time more are due than `maxPerSecond` allows
in that span and `CATCH_UP_SECONDS` more (or one re-run, where these allow less than one).

A step costs more than a re-run. So it starts what is due in the next `AHEAD_SECONDS`, too, as long as of all that is
started `MAX_STARTS` at most are not due yet. Until then the message of each is delayed by whole seconds: the span in
which re-runs are executed may be up to a second shorter than that in which they are due.
"""

from datetime import datetime, timedelta

from handlers.domain.batches.batch import MAX_STARTS, Batch, BatchState, Pace

CATCH_UP_SECONDS = 5.0
AHEAD_SECONDS = 10.0
_MILLISECOND = timedelta(milliseconds=1)
# Of counts: what two sums of the same fractions may differ by.
_ROUNDING = 1e-6


def allowed(batch: Batch, now: datetime) -> int:
    """How many re-runs may be started at this moment, as far as the pace goes."""
    pace, began = _ramp(batch, now)
    ahead = _count_at(pace, began, now + timedelta(seconds=AHEAD_SECONDS))
    most = min(ahead, _count_at(pace, began, now) + MAX_STARTS)
    return int(most - _used(batch, now) + _ROUNDING)


def due_times(batch: Batch, now: datetime, starts: int) -> list[datetime]:
    """When each of so many that are started now is due; `paced_until` is the last of these. The first may be past."""
    pace, began = _ramp(batch, now)
    used = _used(batch, now)
    return [_moment_of(pace, began, used + number) for number in range(1, starts + 1)]


def allowed_at(batch: Batch, now: datetime, starts: int) -> datetime:
    """When so many may be started, if none is before that. They may never be so many at once: see `allowed`."""
    pace, began = _ramp(batch, now)
    count = _used(batch, now) + starts
    ahead = _moment_of(pace, began, count) - timedelta(seconds=AHEAD_SECONDS)
    return max(ahead, _moment_of(pace, began, count - MAX_STARTS))


def seconds_for(batch: Batch, now: datetime, starts: int) -> float:
    """How long the pace alone takes to let so many more be started, the rate rising from now on if it has not begun."""
    began = batch.ramp_began_at or now
    count = _count_at(batch.pace, began, now) + starts
    return (_moment_of(batch.pace, began, count) - now).total_seconds()


def count_since(batch: Batch, now: datetime) -> float:
    """How many the pace alone would have let be started since the rate began to rise."""
    pace, began = _ramp(batch, now)
    return _count_at(pace, began, now)


def _ramp(batch: Batch, now: datetime) -> tuple[Pace, datetime]:
    """The pace, and when its rate began to rise. Before that, in a canary say, it is as slow as at first."""
    if batch.state is BatchState.RUNNING and batch.ramp_began_at is not None:
        return batch.pace, batch.ramp_began_at
    return batch.pace.evolve(max_per_second=batch.pace.start_per_second), now


def _used(batch: Batch, now: datetime) -> float:
    """How much of the count is used up by now, or lost. At first there is one to start."""
    pace, began = _ramp(batch, now)
    count = _count_at(pace, began, now)
    if batch.paced_until is None:
        return count - 1
    kept = max(1.0, count - _count_at(pace, began, now - timedelta(seconds=CATCH_UP_SECONDS)))
    return max(_count_at(pace, began, batch.paced_until), count - kept)


def _count_at(pace: Pace, began: datetime, moment: datetime) -> float:
    """How many the rate lets start between the beginning of its rise and this moment; before it, less than none."""
    seconds = (moment - began).total_seconds()
    count, rate = 0.0, pace.start_per_second
    while seconds > pace.double_every_seconds and rate < pace.max_per_second:
        count += rate * pace.double_every_seconds
        seconds -= pace.double_every_seconds
        rate = min(2 * rate, pace.max_per_second)
    return count + rate * seconds


def _moment_of(pace: Pace, began: datetime, count: float) -> datetime:
    """When the count is reached, rounded up to the millisecond: the inverse of `_count_at`."""
    seconds, rate = 0.0, pace.start_per_second
    while count > rate * pace.double_every_seconds and rate < pace.max_per_second:
        count -= rate * pace.double_every_seconds
        seconds += pace.double_every_seconds
        rate = min(2 * rate, pace.max_per_second)
    moment = began + timedelta(seconds=seconds + count / rate - _ROUNDING)
    return moment if moment.microsecond % 1000 == 0 else moment - (moment - began) % _MILLISECOND + _MILLISECOND
