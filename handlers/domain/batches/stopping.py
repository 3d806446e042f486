"""When a batch stops itself. Nothing here reads or writes.

Only what was started since the batch began, or was resumed after a stop, counts. An automatic retry counts for the
re-run that it retries; what was cancelled does not count.

    failures         stops at this number of failed re-runs
    failureRate      stops at a larger share: of the canary once all of it has ended, and later as soon as ten have.
                     Without it more than a half of the canary stops the batch, and more than a fifth later.
    sameErrorGroup   stops at the first re-run that fails as its source has
"""

from handlers.domain.batches.batch import Batch, BatchState, StopReason
from handlers.domain.runs.run import FunctionRun

CANARY_RATE = 0.5
LATER_RATE = 0.2
# A share of fewer says too little.
MIN_SETTLED = 10


def reason_to_stop(batch: Batch, failed_again: FunctionRun | None) -> StopReason | None:
    """`failed_again` is a re-run that has failed with its source's error group, if one has."""
    failed = batch.progress.failed - batch.baseline.failed
    settled = batch.progress.settled - batch.baseline.settled
    rules = batch.stop_when
    if rules.same_error_group and failed_again is not None:
        return StopReason(
            rule="sameErrorGroup",
            error_group_id=failed_again.error_group_id,
            run_id=failed_again.id,
            failed=failed,
            ended=settled,
        )
    if rules.failures is not None and failed >= rules.failures:
        return StopReason(rule="failures", failed=failed, ended=settled)
    is_canary = batch.state is BatchState.CANARY
    rate = rules.failure_rate if rules.failure_rate is not None else (CANARY_RATE if is_canary else LATER_RATE)
    is_judged = is_canary_over(batch) if is_canary else settled >= MIN_SETTLED
    if is_judged and settled and failed / settled > rate:
        return StopReason(rule="failureRate", failed=failed, ended=settled)
    return None


def is_canary_over(batch: Batch) -> bool:
    """Whether all of it was started, and has ended."""
    is_started = canary_left(batch) == 0 or batch.selection_done
    return is_started and not batch.chosen and not batch.open_runs


def canary_left(batch: Batch) -> int:
    """How many more the canary is to start: others in place of those that were cancelled, which say nothing."""
    progress, baseline = batch.progress, batch.baseline
    cancelled = progress.cancelled - baseline.cancelled
    return max(0, batch.canary_count - (progress.started - baseline.started - cancelled))
