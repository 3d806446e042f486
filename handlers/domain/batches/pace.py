"""How many re-runs a batch may start now, and when it may start more. Nothing here reads or writes.

The rate is `startPerSecond` at first, and doubles after each `doubleEverySeconds` until it is `maxPerSecond`. Each
start uses up as much time as the rate at that time says, and of what has not been used up more than `CATCH_UP_SECONDS`
is lost. So there is no burst after a pause or an outage: in no span of time more is started than `maxPerSecond` allows
in that span and `CATCH_UP_SECONDS` more (or one re-run, where these allow less than one).
"""

from datetime import datetime, timedelta

from handlers.domain.batches.batch import Batch, BatchState, Pace

CATCH_UP_SECONDS = 5.0
_MILLISECOND = timedelta(milliseconds=1)
# Of counts: what two sums of the same fractions may differ by.
_ROUNDING = 1e-6


def allowed(batch: Batch, now: datetime) -> int:
    """How many re-runs may be started at this moment, as far as the pace goes."""
    pace, began = _ramp(batch, now)
    return int(_count_at(pace, began, now) - _used(batch, now) + _ROUNDING)


def used_up(batch: Batch, now: datetime, starts: int) -> datetime:
    """What `paced_until` is once so many of those that are allowed now are started."""
    pace, began = _ramp(batch, now)
    return min(now, _moment_of(pace, began, _used(batch, now) + starts))


def allowed_at(batch: Batch, now: datetime, starts: int) -> datetime:
    """When so many may be started, if none is before that. They may never be so many at once: see CATCH_UP_SECONDS."""
    pace, began = _ramp(batch, now)
    return _moment_of(pace, began, _used(batch, now) + starts)


def seconds_for(batch: Batch, now: datetime, starts: int) -> float:
    """How long the pace alone takes to let so many more be started."""
    pace, began = _ramp(batch, now)
    return (_moment_of(pace, began, _count_at(pace, began, now) + starts) - now).total_seconds()


def count_since(batch: Batch, now: datetime) -> float:
    """How many the pace alone would have let be started since the rate began to rise."""
    pace, began = _ramp(batch, now)
    return _count_at(pace, began, now)


def _ramp(batch: Batch, now: datetime) -> tuple[Pace, datetime]:
    """The pace, and when its rate began to rise, or will. Before that, in a canary say, it is as slow as at first."""
    is_rising = batch.state is BatchState.RUNNING and batch.ramp_began_at is not None
    return batch.pace, batch.ramp_began_at if is_rising and batch.ramp_began_at else now


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
