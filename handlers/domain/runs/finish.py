"""End a run: record what came of it, and tell the bus."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.json_document import MAX_BYTES, MAX_INLINE_BYTES
from handlers.domain.runs.due import is_expiring
from handlers.domain.runs.outcome import RUN_EXPIRED, Outcome
from handlers.domain.runs.ports import LifecycleBus, RunTransitions
from handlers.domain.runs.recording import SealedParts, seal_context
from handlers.domain.runs.run import FunctionRun, Part, Status
from handlers.domain.seal import Cipher

MAX_ATTEMPTS = 3
EVENT_DEADLINE = timedelta(seconds=60)

EXECUTION_LOST = Outcome.of_error(
    "ExecutionLost", f"The outcome of {MAX_ATTEMPTS} executions was lost. The function may have done its work."
)
EXPIRED = Outcome.of_error(RUN_EXPIRED, "The run has waited for as long as runs are kept.")
CANCELLED = Outcome(Status.CANCELLED)


class Finisher(Protocol):
    """What ending a run needs: the executor, the watchdog and whoever cancels have it."""

    @property
    def runs(self) -> RunTransitions: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def bus(self) -> LifecycleBus: ...


def delivery_failed(run: FunctionRun) -> Outcome:
    published = (
        "The run could not be handed to an executor: its message ended in the dead-letter queue, time and again."
    )
    before = " It had been executed before, and the outcome of that was lost." if run.execution_attempts else ""
    return Outcome.of_error("DeliveryFailed", published + before)


def end_without_execution(run: FunctionRun) -> Outcome | None:
    """How an open run ends that is not to be executed any more; None if it may be."""
    if run.cancel_requested_at is not None:
        return CANCELLED
    return EXPIRED if is_expiring(run) else None


def ended_before_recorded(run: FunctionRun, outcome: Outcome) -> FunctionRun:
    """A new run that has already ended. Its event is still to be published, by `publish` or by the watchdog."""
    return run.evolve(
        status=outcome.status,
        error_code=outcome.error_code,
        error_source=outcome.error_source,
        ended_at=run.created_at,
        event_pending=True,
        deadline=run.created_at + EVENT_DEADLINE,
    )


def finish(
    run: FunctionRun, outcome: Outcome, deps: Finisher, *, by: str | None = None, pauses: Sequence[float] = ()
) -> bool:
    """Record the outcome and tell the bus. False for a late outcome of a claim that was lost: it is not stored.

    `by` is who has cancelled it. `pauses` are the seconds to wait before each further attempt to store the outcome: for
    executions, whose outcome nobody else knows. Raises Unavailable.
    """
    ended_at = clock.now()
    parts, omitted = _seal(run, outcome, deps.cipher)
    finished = run.evolve(
        status=outcome.status,
        error_code=outcome.error_code,
        error_source=outcome.error_source,
        result_omitted=omitted,
        **_times(run, outcome, ended_at),
        **({} if by is None else {"cancel_requested_at": ended_at, "cancel_requested_by": by}),
        claim_token=None,
        postponements=0,
        event_pending=True,
        deadline=ended_at + EVENT_DEADLINE,
    )
    if not _store(run, finished, parts, deps.runs, pauses):
        return False
    publish(finished, deps)
    return True


def _store(
    run: FunctionRun, finished: FunctionRun, parts: SealedParts, runs: RunTransitions, pauses: Sequence[float]
) -> bool:
    """After each pause it is tried again; towards the end without the result, which may be what cannot be stored."""
    for tried, pause in enumerate(pauses):
        try:
            return runs.transition(run, finished, parts)
        except Unavailable:
            clock.pause(pause)
            if tried and Part.RESULT in parts:
                parts = {part: sealed for part, sealed in parts.items() if part is not Part.RESULT}
                finished = finished.evolve(result_omitted=True)
    return runs.transition(run, finished, parts)


def _times(run: FunctionRun, outcome: Outcome, ended_at: datetime) -> dict[str, Any]:
    if outcome.status is Status.CANCELLED:
        return {"ended_at": ended_at}  # it was never started, or it was and nothing is known of it
    started_at = run.started_at or ended_at
    duration_ms = int((ended_at - started_at).total_seconds() * 1000)
    return {"started_at": started_at, "ended_at": ended_at, "duration_ms": duration_ms}


def publish(finished: FunctionRun, deps: Finisher) -> bool:
    """Tell the bus and note that it was told. Told twice if we die in between: consumers see the run's id.

    That a run which awaits a retry was told is noted by whoever retries it: an event that is lost on its way there is
    told again by the watchdog.
    """
    published = deps.bus.publish(finished)
    if published and not finished.awaits_retry:
        mark_published(finished, deps.runs)
    return published


def mark_published(finished: FunctionRun, runs: RunTransitions) -> bool:
    """Nothing is left to do for the run, unless its parts have to be moved still. False if it has moved meanwhile."""
    deadline = finished.deadline if finished.staged else None
    return runs.transition(finished, finished.evolve(event_pending=False, deadline=deadline))


def _seal(run: FunctionRun, outcome: Outcome, cipher: Cipher) -> tuple[SealedParts, bool]:
    """The sealed parts, and whether the result had to be left out.

    A finished execution is worth more than its output: what is too large, or cannot be sealed because KMS is down,
    is left out rather than the function being executed again for it.
    """
    contents = {Part.RESULT: outcome.result, Part.LOGS: outcome.logs, Part.ERROR: shortened(outcome.error)}
    kept = {part: content for part, content in contents.items() if content is not None and len(content) <= MAX_BYTES}
    try:
        sealed = {part: cipher.seal(content, seal_context(run, part)) for part, content in kept.items()}
    except Unavailable:
        sealed = {}
    return sealed, outcome.result_lost or (outcome.result is not None and Part.RESULT not in sealed)


def shortened(error: bytes | None) -> bytes | None:
    """An error that is too large to keep keeps its beginning, as a JSON string."""
    if error is None or len(error) <= MAX_INLINE_BYTES:
        return error
    return json.dumps(error[:10_000].decode(errors="replace") + " …").encode()
