"""End a run: record what came of it, and publish its end."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.errors import Unavailable
from handlers.domain.runs.due import is_expiring
from handlers.domain.runs.outcome import CONTENT_ERASED, RUN_EXPIRED, Outcome, pack
from handlers.domain.runs.ports import ErrorGroups, LifecycleBus, RunTransitions
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, ErrorSource, FunctionRun, Part, Status, new_token
from handlers.domain.seal import Cipher

MAX_ATTEMPTS = 3
EVENT_DEADLINE = timedelta(seconds=60)

EXECUTION_LOST = Outcome.of_error(
    "ExecutionLost", f"The outcome of {MAX_ATTEMPTS} executions was lost. The function may have done its work."
)
EXPIRED = Outcome.of_error(RUN_EXPIRED, "The run has waited for as long as runs are kept.")
CANCELLED = Outcome(Status.CANCELLED)
# Without an error document: nothing is sealed for a run whose content is erased.
ERASED = Outcome(Status.FAILURE, CONTENT_ERASED, error_source=ErrorSource.SERVICE)


class Finisher(Protocol):
    """What ending a run needs: the executor, the watchdog and cancellation have it."""

    @property
    def runs(self) -> RunTransitions: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def bus(self) -> LifecycleBus: ...
    @property
    def groups(self) -> ErrorGroups: ...


def delivery_failed(run: FunctionRun) -> Outcome:
    failed = "The run could not be handed to an executor: its message ended in the dead-letter queue, time and again."
    before = " It had been executed before, and the outcome of that was lost." if run.execution_attempts else ""
    return Outcome.of_error("DeliveryFailed", failed + before)


def end_without_execution(run: FunctionRun) -> Outcome | None:
    """How an open run ends that is not to be executed any more; None if it may be."""
    if run.cancel_requested_at is not None:
        return CANCELLED
    if run.erased_at is not None:
        return ERASED
    return EXPIRED if is_expiring(run) else None


def ended_before_recorded(run: FunctionRun, outcome: Outcome, error_group_id: str | None) -> FunctionRun:
    """A new run that has already ended. Its event is still to be published, by `publish` or by the watchdog."""
    return run.evolve(
        status=outcome.status,
        error_code=outcome.error_code,
        error_source=outcome.error_source,
        error_group_id=error_group_id,
        ended_at=run.created_at,
        event_pending=True,
        deadline=run.created_at + EVENT_DEADLINE,
        outcome_id=new_token(),
    )


def finish(
    run: FunctionRun,
    outcome: Outcome,
    deps: Finisher,
    *,
    act: Act | None = None,
    pauses: Sequence[float] = (),
) -> bool:
    """Record the outcome and publish it. False for a late outcome of a claim that was lost: it does not count.

    `act` is what somebody did to cancel it. `pauses` are the seconds to wait before each further attempt to store the
    outcome: for executions, whose outcome nobody else knows. Raises Unavailable.
    """
    ended_at = clock.now()
    finished = run.moved(
        status=outcome.status,
        error_code=outcome.error_code,
        error_source=outcome.error_source,
        error_group_id=deps.groups.group_of(run, outcome),
        ended_at=ended_at,
        **_duration(run, outcome, ended_at),
        **({} if act is None or run.cancel_requested_at else _cancelled_by(act)),
        claim_token=None,
        postponements=0,
        redelivered_at=None,
        event_pending=True,
        deadline=ended_at + EVENT_DEADLINE,
    )
    stored = _store(run, finished, outcome, deps, act=act, pauses=pauses)
    if stored is None:
        return False
    publish(stored, deps)
    return True


def _store(
    run: FunctionRun,
    finished: FunctionRun,
    outcome: Outcome,
    deps: Finisher,
    *,
    act: Act | None,
    pauses: Sequence[float],
) -> FunctionRun | None:
    """After each pause it is tried again; towards the end without the result, which may be what cannot be stored."""
    whole, sealed = _seal(finished, outcome, deps.cipher)
    stored = whole

    def attempt() -> FunctionRun | None:
        if deps.runs.transition(run, stored, sealed, act):
            return stored
        # With the result it may have been stored before, and only the answer to that was lost.
        return whole if stored is not whole and deps.runs.transition(run, whole) else None

    for tried, pause in enumerate(pauses):
        try:
            return attempt()
        except Unavailable:
            clock.pause(pause)
            if tried and outcome.result is not None:
                outcome = outcome._replace(result=None, result_lost=True)
                stored, sealed = _seal(finished.moved(), outcome, deps.cipher)
    return attempt()


def _seal(finished: FunctionRun, outcome: Outcome, cipher: Cipher) -> tuple[FunctionRun, bytes | None]:
    """The run that names its sealed outcome, and that outcome; None if there is none.

    A finished execution is worth more than its output: what is too large, or cannot be sealed because KMS is down,
    is left out rather than the function being executed again for it.
    """
    contents = {} if finished.erased_at is not None else outcome.contents()
    named = finished.evolve(outcome_id=new_token())
    sealed = None
    with suppress(Unavailable):
        sealed = cipher.seal(pack(contents), seal_context(named, Part.OUTCOME)) if contents else None
    is_kept = sealed is not None and Content.RESULT in contents
    omitted = outcome.result_lost or (outcome.result is not None and not is_kept)
    return (finished if sealed is None else named).evolve(result_omitted=omitted), sealed


def _cancelled_by(act: Act) -> dict[str, Any]:
    return {"cancel_requested_at": act.at, "cancel_requested_by": act.by}


def _duration(run: FunctionRun, outcome: Outcome, ended_at: datetime) -> dict[str, Any]:
    """Of the execution that ends with it; nothing if none does, or if nothing is known of it."""
    if run.started_at is None or outcome.status is Status.CANCELLED:
        return {}
    return {"duration_ms": int((ended_at - run.started_at).total_seconds() * 1000)}


def publish(finished: FunctionRun, deps: Finisher) -> None:
    """Publish the run's end and note that it was published. Published twice if we die in between: consumers see its id.

    The end of a run that awaits a retry is noted by whoever retries it: an event that is lost on its way there is
    published again by the watchdog.
    """
    try:
        if not is_publishable(finished, deps):
            return
    except Unavailable:
        return  # the end is stored: the watchdog does it all, and reports what keeps it from that
    if deps.bus.publish([finished]) and not finished.awaits_retry:
        mark_published(finished, deps.runs)


def is_publishable(finished: FunctionRun, deps: Finisher) -> bool:
    """Once its original and its error group know of the end: after a crash the watchdog finds it pending still.

    False if the bus does not take what is to be published before. Raises Unavailable.
    """
    if finished.is_recovering:
        deps.runs.mark_recovered(finished)
    return deps.groups.note(finished)


def mark_published(finished: FunctionRun, runs: RunTransitions) -> bool:
    """Nothing is left to do for the run, unless its parts have to be moved still. False if it has moved meanwhile."""
    deadline = finished.deadline if finished.staged else None
    return runs.transition(finished, finished.moved(event_pending=False, deadline=deadline))
