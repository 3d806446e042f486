"""Execute a run: claim it, settle which code it runs, invoke that code once, record what came of it, publish its end.

At least once: between the invocation and the recorded outcome lies the one window in which a crash makes the run
execute again, counted in `execution_attempts`. Everything else is a condition on the run not having moved.
"""

import math
import random
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.function_arns import MAX_TIMEOUT_SECONDS, InvokablePatterns
from handlers.domain.log_context import concerns_run
from handlers.domain.runs.due import MAX_MESSAGE_DELAY, pending_deadline, postponed_for, push_when_due, wait_of
from handlers.domain.runs.finish import ERASED, EXECUTION_LOST, MAX_ATTEMPTS, end_without_execution, finish
from handlers.domain.runs.outcome import (
    ACCESS_DENIED,
    PARAMETERS_UNREADABLE,
    PLAN_OUTDATED,
    TIMEOUT_TOO_LONG,
    VERSION_NOT_FOUND,
    CodeGone,
    NotReady,
    Outcome,
    OutcomeUnknown,
    PermanentFailure,
    RetryLater,
)
from handlers.domain.runs.planned_code import is_planned
from handlers.domain.runs.ports import ErrorGroups, LifecycleBus, RunQueue, RunTransitions
from handlers.domain.runs.recording import RecordedRun, seal_context
from handlers.domain.runs.run import ErrorSource, FunctionRun, Part, Pin, Status, new_token
from handlers.domain.runs.workspace_limit import LONGEST_WAIT_SECONDS, Slot, WorkspaceFull, WorkspaceLimit
from handlers.domain.seal import Cipher, KeyRefused, SealBroken

LEASE_MARGIN = timedelta(seconds=60)
CLOCKS_DIFFER = timedelta(seconds=1)
# An outcome that is not stored wastes the execution: there is time within the lease's margin.
RECORD_PAUSES = (0.5, 2.0, 5.0, 10.0)


class FunctionCode(Protocol):
    def current(self, function_arn: str, *, refresh: bool) -> Pin:
        """The version that is the function's code now, published if need be; or the one that the ARN names.

        Raises RetryLater or PermanentFailure.
        """

    def evict(self, pin: Pin) -> None:
        """What was remembered of this version is no longer true."""

    def check_state(self, pin: Pin) -> None:
        """Raises PermanentFailure for a version that will not be ready before somebody mends it, or RetryLater."""


class Invoker(Protocol):
    def invoke(self, pin: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        """Call the function, once. Raises RetryLater, OutcomeUnknown or PermanentFailure."""


class ExecutionDeps(NamedTuple):
    """What executing a run needs."""

    runs: RunTransitions
    cipher: Cipher
    invokable: InvokablePatterns
    code: FunctionCode
    invoker: Invoker
    queue: RunQueue
    bus: LifecycleBus
    groups: ErrorGroups
    limit: WorkspaceLimit


class ExecutionResult(StrEnum):
    FINISHED = "finished"
    POSTPONED = "postponed"
    NOT_OURS = "not ours"
    """Gone, ended, or claimed by another: a second delivery has nothing to do."""


class Execution(NamedTuple):
    """What became of a message."""

    result: ExecutionResult
    run: FunctionRun | None = None
    """As it has been stored: with its end, or with the reason why it waits. None if it is not ours."""


_NOT_OURS = Execution(ExecutionResult.NOT_OURS)


def execute(run_id: str, deps: ExecutionDeps) -> Execution:
    concerns_run(run_id)
    recorded = deps.runs.read(run_id, Part.PARAMETERS)
    if recorded is None or not _is_claimable(recorded.run):
        return _NOT_OURS
    concerns_run(run_id, recorded.run.lineage_id)
    run = deps.runs.move_staged(recorded.run) if recorded.run.staged else recorded.run
    if (end := end_without_execution(run)) is not None:
        return _finished(run, end, deps)
    if wait_of(run):
        push_when_due(run, deps.queue)
        return Execution(ExecutionResult.POSTPONED, run)
    if postponed_for(run) > CLOCKS_DIFFER:
        # Each postponement sends the next message: without this, a duplicate message would re-queue itself forever.
        return _NOT_OURS
    return _execute(recorded._replace(run=run), deps)


def _execute(recorded: RecordedRun, deps: ExecutionDeps) -> Execution:
    run = found = recorded.run
    if run.execution_attempts >= MAX_ATTEMPTS:
        return _finished(run, EXECUTION_LOST, deps)
    slot: Slot | None = None
    try:
        _check_permission(run, deps.invokable)
        # Before the code is looked up: a run that waits comes back often, and Lambda takes 100 such look-ups a second.
        free = deps.limit.free(run.workspace)
        pin = _code_of(run, deps.code)
        claimed = _claimed(run, pin)
        slot = deps.limit.take(claimed, free)
        run = _claim(run, claimed, deps.runs)
        outcome = _invoke(recorded._replace(run=run), pin, deps, before=found)
    except _ClaimLost:
        result = _NOT_OURS
    except RetryLater as reason:
        kept = found.pin if isinstance(reason, CodeGone) else run.pin
        result = _postpone(run, found.evolve(pin=kept), reason, deps)
    except OutcomeUnknown as reason:
        # Its slot is kept as its claim is.
        return _leave(run, reason, deps.runs)
    except PermanentFailure as reason:
        result = _finished(run, Outcome.of_error(reason.code, str(reason)), deps)
    else:
        result = _finished(run, outcome, deps)
    deps.limit.release(slot)
    return result


def _finished(run: FunctionRun, outcome: Outcome, deps: ExecutionDeps) -> Execution:
    if not finish(run, outcome, deps, pauses=RECORD_PAUSES):
        return _NOT_OURS
    ended = run.evolve(status=outcome.status, error_code=outcome.error_code, error_source=outcome.error_source)
    return Execution(ExecutionResult.FINISHED, ended)


def _is_claimable(run: FunctionRun) -> bool:
    if run.status is Status.RUNNING:
        return run.deadline is not None and run.deadline < clock.now()
    return run.status is Status.PENDING


def _check_permission(run: FunctionRun, invokable: InvokablePatterns) -> None:
    """What a workspace may invoke can be narrowed after a function was registered. Raises PermanentFailure."""
    if not invokable.allows(run.workspace, run.function_arn):
        raise PermanentFailure(ACCESS_DENIED, f"{run.workspace} may no longer invoke {run.function_arn}.")


def _code_of(run: FunctionRun, code: FunctionCode) -> Pin:
    """The version that this run executes. Raises RetryLater or PermanentFailure."""
    if run.pin is not None and run.pin.is_complete:
        return run.pin
    if run.pin is not None:
        # Copied from a captured run: AWS reports only the version's number.
        pin = code.current(run.pin.function_version_arn, refresh=False)
    else:
        pin = code.current(run.function_arn, refresh=run.use_latest_code or _must_refresh(run))
    if pin.exceeds_longest_wait:
        raise PermanentFailure(
            TIMEOUT_TOO_LONG,
            f"Version {pin.function_version} has a timeout of {pin.timeout_seconds} s; "
            f"{MAX_TIMEOUT_SECONDS} s is the most that can be awaited.",
        )
    if run.planned_code is not None and not is_planned(run.planned_code, pin):
        raise PermanentFailure(
            PLAN_OUTDATED,
            "The function's code or configuration is no longer what the plan of this re-run has shown: it was not "
            "executed.",
        )
    return pin


def _must_refresh(waiting: FunctionRun) -> bool:
    """Whether the code that it last met had been deleted, so that nothing remembered counts any more."""
    return waiting.error_code == VERSION_NOT_FOUND


def _check_lease(run: FunctionRun, pin: Pin) -> None:
    """To fetch and open large parameters may have taken long, and the function may take as long as it may.

    Raises RetryLater if too little would be left of the lease to record the outcome in.
    """
    longest = timedelta(seconds=pin.timeout_seconds or MAX_TIMEOUT_SECONDS)
    if run.deadline is not None and run.deadline - clock.now() < longest + LEASE_MARGIN / 2:
        raise RetryLater("ParametersSlow")


class _ClaimLost(Exception):
    """Another has claimed the run since it was read."""


def _claimed(run: FunctionRun, pin: Pin) -> FunctionRun:
    """The run as ours, until its lease ends."""
    at = clock.now()
    return run.moved(
        status=Status.RUNNING,
        pin=pin,
        claim_token=new_token(),
        error_code=None,
        error_source=None,
        waits_until=None,
        started_at=at,
        deadline=at + timedelta(seconds=pin.timeout_seconds or MAX_TIMEOUT_SECONDS) + LEASE_MARGIN,
        execution_attempts=run.execution_attempts + 1,
    )


def _claim(run: FunctionRun, claimed: FunctionRun, runs: RunTransitions) -> FunctionRun:
    """Raises _ClaimLost."""
    if not runs.transition(run, claimed):
        raise _ClaimLost
    return claimed


def _invoke(claimed: RecordedRun, pin: Pin, deps: ExecutionDeps, *, before: FunctionRun) -> Outcome:
    run = claimed.run
    try:
        sealed = claimed.sealed()
        if sealed is None and _is_erased(run.id, deps.runs):
            return ERASED
        parameters = deps.cipher.open(sealed or b"", seal_context(run, Part.PARAMETERS))
    except KeyRefused as refused:
        raise RetryLater("KeyRefused") from refused
    except SealBroken:
        return Outcome.of_error(PARAMETERS_UNREADABLE, "The run's parameters could not be decrypted.")
    except Unavailable as fault:
        raise RetryLater("ParametersUnavailable") from fault
    _check_lease(run, pin)
    try:
        return deps.invoker.invoke(pin, parameters, run)
    except PermanentFailure as reason:
        # A pinned run fails. But what was remembered as the current code and is gone has been deleted since.
        if before.pin is None and reason.code == VERSION_NOT_FOUND and not _must_refresh(before):
            deps.code.evict(pin)
            raise CodeGone(reason.code) from reason
        raise
    except NotReady:
        deps.code.check_state(pin)
        raise


def _is_erased(run_id: str, runs: RunTransitions) -> bool:
    """Asked of a run that was not when it was claimed: a large part is fetched after that. Raises Unavailable."""
    run = runs.read_run(run_id)
    return run is not None and run.erased_at is not None


def _postpone(run: FunctionRun, before: FunctionRun, reason: RetryLater, deps: ExecutionDeps) -> Execution:
    """Give the run back as it was before, for a later attempt, which waits longer each time.

    What was not executed is not counted. Runs that were throttled together come back one by one.
    """
    # Of a run that has only waited its turn so far, this is the first time.
    times = run.postponements if before.error_code else 0
    longest = min(2**times, MAX_MESSAGE_DELAY.total_seconds())
    if isinstance(reason, WorkspaceFull):
        # Waiting for a slot is no fault: the wait stays short, and does not count for the back-off of a later fault.
        times, longest = 0, LONGEST_WAIT_SECONDS
    delay = math.ceil(random.uniform(longest / 2, longest))
    waits_until = clock.now() + timedelta(seconds=delay)
    given_back = before.moved(
        status=Status.PENDING,
        claim_token=None,
        started_at=None,
        error_code=reason.code,
        error_source=ErrorSource.SERVICE,
        postponements=times + 1,
        waits_until=waits_until,
        deadline=pending_deadline(waits_until),
    )
    if not deps.runs.transition(run, given_back):
        return _NOT_OURS
    deps.queue.push(given_back, delay_seconds=delay)
    return Execution(ExecutionResult.POSTPONED, given_back)


def _leave(run: FunctionRun, reason: OutcomeUnknown, runs: RunTransitions) -> Execution:
    """Keep the claim: the function may still be at work. Once the lease has ended, the watchdog gives the run back."""
    left = run.moved(error_code=reason.code, error_source=ErrorSource.SERVICE)
    return Execution(ExecutionResult.POSTPONED, left) if runs.transition(run, left) else _NOT_OURS
