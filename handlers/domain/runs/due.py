"""When a run is due: runs may have to wait, for a moment or for weeks.

A queue's message waits a quarter of an hour at most. What is due later is not pushed: its deadline is the moment it is
due, so that the watchdog pushes it then.
"""

import math
from datetime import datetime, timedelta
from typing import Any

from handlers.domain import clock
from handlers.domain.runs.ports import RunQueue
from handlers.domain.runs.run import FunctionRun

MAX_MESSAGE_DELAY = timedelta(minutes=15)
# A waiting run is looked at each quarter of an hour at least: within this time, before it expires while open.
EXPIRY_MARGIN = timedelta(minutes=45)


def pending_deadline(moment: datetime, postponements: int = 0) -> datetime:
    """When a pending run should have been claimed: a minute at first, doubling to a quarter of an hour."""
    return moment + timedelta(seconds=min(60 * 2**postponements, MAX_MESSAGE_DELAY.total_seconds()))


def first_deadline(at: datetime, not_before: datetime | None) -> datetime:
    """When a run that is recorded now should have been claimed, or should be pushed."""
    if not_before is None or not_before <= at:
        return pending_deadline(at)
    return pending_deadline(not_before) if not_before - at <= MAX_MESSAGE_DELAY else not_before


def later(run: FunctionRun, **changes: Any) -> FunctionRun:
    """Overdue again after a while that grows each time, and not before the run is due."""
    postponements = run.postponements + 1
    at = clock.now()
    deadline = max(pending_deadline(at, postponements), first_deadline(at, run.not_before))
    return run.moved(postponements=postponements, deadline=deadline, **changes)


def wait_of(run: FunctionRun) -> timedelta:
    """How long until the run is due; nothing if it is."""
    return _until(run.not_before)


def postponed_for(run: FunctionRun) -> timedelta:
    """How long until the message of a postponed run comes; nothing if it should have come, or the run is not."""
    return _until(run.waits_until)


def _until(moment: datetime | None) -> timedelta:
    left = timedelta() if moment is None else moment - clock.now()
    return max(left, timedelta())


def is_expiring(run: FunctionRun) -> bool:
    """Whether an open run has to end now, because it will be gone before somebody looks at it again."""
    return run.expires_at - clock.now() < EXPIRY_MARGIN


def push_when_due(run: FunctionRun, queue: RunQueue) -> None:
    wait = wait_of(run)
    if wait <= MAX_MESSAGE_DELAY:
        queue.push(run, delay_seconds=math.ceil(wait.total_seconds()))
