"""Retry a failed run automatically, as its trigger's retry policy says: the story behind `Function Run Failed`.

A retry is a pinned re-run. Its id is derived from the id of the run that failed, so that an event delivered twice makes
no second retry. A run that awaits a retry stays before the watchdog until this story has come to its end, whatever
that was: an event that is lost on its way here is published again.
"""

from enum import StrEnum
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.errors import Refused
from handlers.domain.ids import derived_id
from handlers.domain.log_context import concerns_run
from handlers.domain.runs.finish import mark_published
from handlers.domain.runs.outcome import BEYOND_RETRY
from handlers.domain.runs.ports import RunTransitions
from handlers.domain.runs.recording import RecordedRun
from handlers.domain.runs.run import ErrorSource, ExecutionSource, FunctionRun, Part
from handlers.domain.starting.rerun import RerunDeps, check_startable, rerun_of
from handlers.domain.starting.rerun_parameters import open_unattended
from handlers.domain.starting.start import NewRun, StartDeps, commit

AUTO_RETRY = "auto-retry"
# Who else writes to the run meanwhile has done so by then; if not, the watchdog publishes the failure again.
_ATTEMPTS = 5


class RetryResult(StrEnum):
    RETRIED = "retried"
    RETRIED_BEFORE = "retried before"
    GONE = "gone"
    SETTLED = "settled before"
    CANCELLED = "cancelled"
    NO_POLICY = "trigger does not retry"
    DISABLED = "trigger disabled"
    EXHAUSTED = "retries exhausted"
    NOT_RETRYABLE = "error is not retryable"


class Retry(NamedTuple):
    """What became of a failure."""

    result: str
    """A RetryResult, or the code of what made a retry impossible."""
    failed: FunctionRun | None = None


def retry(failed_run_id: str, runs: RunTransitions, deps: RerunDeps, start_deps: StartDeps) -> Retry:
    """Raises Unavailable, and nothing has come of it yet."""
    concerns_run(failed_run_id)
    recorded = runs.read(failed_run_id, Part.PARAMETERS)
    if recorded is None:
        return Retry(RetryResult.GONE)
    failed = recorded.run
    concerns_run(failed.id, failed.lineage_id)
    if not (failed.awaits_retry and failed.event_pending):
        return Retry(RetryResult.SETTLED, failed)
    result: str
    try:
        decided = _decide(recorded, deps)
        result = decided if isinstance(decided, RetryResult) else _RETRIED[commit(decided, start_deps).is_new]
    except Refused as refused:
        result = refused.code
    _mark_published(failed, runs)
    return Retry(result, failed)


_RETRIED = {True: RetryResult.RETRIED, False: RetryResult.RETRIED_BEFORE}


def _decide(recorded: RecordedRun, deps: RerunDeps) -> NewRun | RetryResult:
    """The retry, or why there is none. Raises a Refused, Misconfigured or Unavailable."""
    failed = recorded.run
    if failed.cancel_requested_at is not None:
        return RetryResult.CANCELLED
    trigger, function = check_startable(
        deps.registry.read_trigger_and_function(failed.trigger_id, failed.function_id), deps.invokable
    )
    policy = trigger.retry_policy
    if policy is None or (failed.execution_source is ExecutionSource.RERUN and not policy.retry_manual_reruns):
        return RetryResult.NO_POLICY
    if not trigger.enabled:
        return RetryResult.DISABLED
    attempt = (failed.retry_attempt or 0) + 1
    if attempt > policy.max_retries:
        return RetryResult.EXHAUSTED
    # A function's own error may have a name that is one of ours: of that, only the policy says what it means.
    is_beyond = failed.error_source is not ErrorSource.FUNCTION and failed.error_code in BEYOND_RETRY
    if is_beyond or failed.error_code in policy.non_retryable_errors:
        return RetryResult.NOT_RETRYABLE
    parameters = open_unattended(recorded, deps.cipher)
    at = clock.now()
    run = rerun_of(
        failed,
        trigger,
        function,
        deps.retention,
        at,
        not_before=at + policy.delay(attempt),
        id=derived_id("retry", failed.id),
        execution_source=ExecutionSource.RETRY,
        effect_key=failed.effects_under,
        batch_id=failed.batch_id,
        pin=failed.pin,
        rerun_by=AUTO_RETRY,
        rerun_reason=f"Automatic retry {attempt} of {policy.max_retries} after {failed.error_code}",
        retriable=True,
        retry_attempt=attempt,
    )
    return NewRun(run, {Part.PARAMETERS: parameters})


def _mark_published(failed: FunctionRun, runs: RunTransitions) -> None:
    found: FunctionRun | None = failed
    for _ in range(_ATTEMPTS):
        if found is None or not found.event_pending or mark_published(found, runs):
            return
        found = runs.read_run(failed.id)
