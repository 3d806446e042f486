"""A batch after a change, as it is stored."""

from datetime import datetime, timedelta
from typing import Any

from handlers.domain import clock
from handlers.domain.batches.batch import Batch, BatchState
from handlers.domain.runs.recording import Retention
from handlers.domain.runs.run import new_token

# Longer than its steps wait: who has not moved it by then has died.
FORGOTTEN_AFTER = timedelta(minutes=3)
# What takes steps is due before that, by whichever clock it was written; and so is what begins soon.
AT_WORK_WITHIN = FORGOTTEN_AFTER + timedelta(seconds=10)
# So long before that nothing has to be written for its sake. The index that the watchdog reads has its price, too.
_IN_TIME = timedelta(seconds=90)


def moved(batch: Batch, retention: Retention, **changes: Any) -> Batch:
    """Under a new revision. It is kept as long as the runs that it may start, but what lies beside it outlives it."""
    now = clock.now()
    after = batch.evolve(revision=new_token(), **changes)
    if after.state.is_final and after.step_token is None:
        after = after.evolve(chosen=())  # nothing of it was started, and nothing will be
    begins_at = after.not_before or after.created_at
    expires_at = min(max(begins_at, now) + retention.span, begins_at + 2 * retention.span)
    return after.evolve(due_at=_due_at(after, now), expires_at=max(batch.expires_at, expires_at))


def is_in_time(batch: Batch, now: datetime) -> bool:
    """Whether it does not count as forgotten for a while."""
    return batch.due_at is not None and _IN_TIME < batch.due_at - now <= FORGOTTEN_AFTER


def _due_at(batch: Batch, now: datetime) -> datetime | None:
    if batch.state is BatchState.SCHEDULED:
        return batch.not_before
    if not batch.needs_steps:
        return None
    return batch.due_at if is_in_time(batch, now) else now + FORGOTTEN_AFTER
