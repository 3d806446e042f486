"""When a batch will have started all of its re-runs."""

from datetime import datetime, timedelta

from handlers.domain import clock
from handlers.domain.batches import pace
from handlers.domain.batches.batch import Batch, BatchState

# Of fewer it cannot be said how much slower a batch is than its pace.
_ENOUGH = 20


def estimated_end(batch: Batch) -> datetime | None:
    """As far as its sources are counted, and if it goes on as it does.

    None if it does not go on, all are selected, or none are counted.

    Where its re-runs take so long that it has to wait for them, it is slower than its pace.
    """
    now = clock.now()
    goes_on = batch.state.is_starting or batch.state is BatchState.SCHEDULED
    if not goes_on or batch.selection_done or batch.total is None:
        return None
    begins_at = max(now, batch.not_before or now)
    seconds = pace.seconds_for(batch, now, max(0, batch.total - batch.progress.selected))
    return begins_at + timedelta(seconds=seconds / _share_of_pace(batch, now))


def _share_of_pace(batch: Batch, now: datetime) -> float:
    if batch.ramp_began_at is None:
        return 1.0
    by_pace = pace.count_since(batch, now)
    selected = batch.progress.selected - batch.ramp_began_with
    return min(1.0, selected / by_pace) if min(by_pace, selected) >= _ENOUGH else 1.0
