"""Execute a run: claim it, settle which code it runs, invoke that code once, record what came of it, tell the bus.

At least once: between the invocation and the recorded outcome lies the one window in which a crash makes the run
execute again, counted in `execution_attempts`. Everything else is a condition on the run not having moved.
"""

import json
import uuid
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.function_arns import MAX_TIMEOUT_SECONDS, InvokablePatterns
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.recording import RecordedRun, RunQueue, SealedParts, label
from handlers.domain.run import FunctionRun, Part, Pin, Status, pending_deadline
from handlers.domain.seal import Cipher, KeyRefused, SealBroken

MAX_ATTEMPTS = 3
LEASE_MARGIN = timedelta(seconds=60)
EVENT_DEADLINE = timedelta(seconds=60)


class Postponed(Exception):
    """The run has to wait for a later attempt. `code` says why, in AWS's words, for people who wait with it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class NotYet(Postponed):
    """The function cannot be invoked now (throttled, being updated, AWS unwell): it was not executed."""


class CodeGone(NotYet):
    """The current code, as it was remembered, is gone: there must be newer code to look for."""


class Uncertain(Postponed):
    """Whether the function was executed is not known: the connection broke, or AWS answered with a fault."""


class Unusable(Exception):
    """There is no code to run, for good: deleted, forbidden, too slow."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


VERSION_NOT_FOUND = "FunctionVersionNotFound"


class Outcome(NamedTuple):
    """What came of an invocation. Content is bytes, not yet sealed."""

    status: Status
    error_code: str | None = None
    result: bytes | None = None
    logs: bytes | None = None
    error: bytes | None = None

    @classmethod
    def failure(cls, code: str, message: str) -> "Outcome":
        return cls(Status.FAILURE, code, error=json.dumps({"errorType": code, "errorMessage": message}).encode())


class Runs(Protocol):
    def read(self, run_id: str, part: Part) -> RecordedRun | None: ...

    def transition(self, before: FunctionRun, after: FunctionRun, parts: SealedParts | None = None) -> bool:
        """Store the change, if the run has not moved since it was read. False if it has. Raises Unavailable."""


class FunctionCode(Protocol):
    def current(self, function_arn: str, *, afresh: bool) -> Pin:
        """The version that is the function's code now, published if need be. Raises NotYet or Unusable."""

    def forget(self, pin: Pin) -> None:
        """What was remembered of this version is no longer true."""


class Invoker(Protocol):
    def invoke(self, pin: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        """Call the function, once. Raises NotYet, Uncertain or Unusable."""


class LifecycleBus(Protocol):
    def announce(self, run: FunctionRun) -> bool:
        """Tell that a run has ended. False if the bus did not take it: the watchdog will tell again."""


class Executor(NamedTuple):
    """What executing a run needs."""

    runs: Runs
    cipher: Cipher
    invokable: InvokablePatterns
    code: FunctionCode
    invoker: Invoker
    queue: RunQueue
    bus: LifecycleBus


class Verdict(StrEnum):
    """What became of a message, for the log."""

    FINISHED = "finished"
    POSTPONED = "postponed"
    NOT_OURS = "not ours"
    """Gone, ended, or claimed by another: a second delivery has nothing to do."""


def execute(run_id: str, using: Executor) -> Verdict:
    recorded = using.runs.read(run_id, Part.PARAMETERS)
    if recorded is None or not _is_claimable(recorded.run):
        return Verdict.NOT_OURS
    run = recorded.run
    if run.execution_attempts >= MAX_ATTEMPTS:
        return finish(run, EXECUTION_LOST, using)
    try:
        _check_permission(run, using.invokable)
        pin = run.pin or _current_code(run, using.code)
        run = _claim(run, pin, using.runs)
        outcome = _invoke(run, pin, recorded, using)
    except _Moved:
        return Verdict.NOT_OURS
    except NotYet as reason:
        kept = recorded.run.pin if isinstance(reason, CodeGone) else run.pin
        return _postpone(run, recorded.run.evolve(pin=kept), reason, using)
    except Uncertain as reason:
        return _leave(run, reason, using.runs)
    except Unusable as reason:
        outcome = Outcome.failure(reason.code, str(reason))
    return finish(run, outcome, using)


EXECUTION_LOST = Outcome.failure(
    "ExecutionLost", f"The outcome of {MAX_ATTEMPTS} executions was lost. The function may have done its work."
)


def finish(run: FunctionRun, outcome: Outcome, using: "Finisher") -> Verdict:
    """Record the outcome and tell the bus. A late outcome of a claim that was lost is not stored."""
    ended_at = clock.now()
    parts, omitted = _seal(run, outcome, using.cipher)
    finished = run.evolve(
        status=outcome.status,
        error_code=outcome.error_code,
        result_omitted=omitted,
        started_at=run.started_at or ended_at,
        ended_at=ended_at,
        duration_ms=int((ended_at - (run.started_at or ended_at)).total_seconds() * 1000),
        claim_token=None,
        event_pending=True,
        deadline=ended_at + EVENT_DEADLINE,
    )
    if not using.runs.transition(run, finished, parts):
        return Verdict.NOT_OURS
    announce(finished, using)
    return Verdict.FINISHED


def announce(finished: FunctionRun, using: "Finisher") -> bool:
    """Tell the bus and note that it was told. Told twice if we die in between: consumers see the run's id."""
    told = using.bus.announce(finished)
    if told:
        using.runs.transition(finished, finished.evolve(event_pending=False, deadline=None))
    return told


class Finisher(Protocol):
    """What ending a run needs: an Executor, or the watchdog's tools."""

    @property
    def runs(self) -> Runs: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def bus(self) -> LifecycleBus: ...


def _is_claimable(run: FunctionRun) -> bool:
    if run.status is Status.RUNNING:
        return run.deadline is not None and run.deadline < clock.now()
    return run.status is Status.PENDING


def _check_permission(run: FunctionRun, invokable: InvokablePatterns) -> None:
    """What a workspace may invoke can be narrowed after a function was registered. Raises Unusable."""
    if not invokable.allows(run.workspace, run.function_arn):
        raise Unusable("FunctionAccessDenied", f"{run.workspace} may no longer invoke {run.function_arn}.")


def _current_code(run: FunctionRun, code: FunctionCode) -> Pin:
    pin = code.current(run.function_arn, afresh=run.use_latest_code)
    if pin.timeout_seconds > MAX_TIMEOUT_SECONDS:
        raise Unusable(
            "FunctionTimeoutTooLong",
            f"Version {pin.function_version} has a timeout of {pin.timeout_seconds} s; "
            f"{MAX_TIMEOUT_SECONDS} s is the most that can be awaited.",
        )
    return pin


class _Moved(Exception):
    """Another has claimed the run since it was read."""


def _claim(run: FunctionRun, pin: Pin, runs: Runs) -> FunctionRun:
    """The run as ours, until its lease ends. Raises _Moved."""
    at = clock.now()
    claimed = run.evolve(
        status=Status.RUNNING,
        pin=pin,
        claim_token=str(uuid.uuid4()),
        error_code=None,
        started_at=at,
        deadline=at + timedelta(seconds=pin.timeout_seconds) + LEASE_MARGIN,
        execution_attempts=run.execution_attempts + 1,
    )
    if not runs.transition(run, claimed):
        raise _Moved
    return claimed


def _invoke(run: FunctionRun, pin: Pin, recorded: RecordedRun, using: Executor) -> Outcome:
    try:
        parameters = using.cipher.open(recorded.sealed or b"", label(run, Part.PARAMETERS))
    except KeyRefused as refused:
        raise NotYet("KeyRefused") from refused
    except SealBroken:
        return Outcome.failure("ParametersUnreadable", "The run's parameters could not be decrypted.")
    except Unavailable as fault:
        raise NotYet("KeyUnavailable") from fault
    try:
        return using.invoker.invoke(pin, parameters, run)
    except Unusable as reason:
        # A pinned run fails. But what was looked up as the current code and is gone has been deleted since.
        if recorded.run.pin is None and reason.code == VERSION_NOT_FOUND and run.postponements < MAX_ATTEMPTS:
            using.code.forget(pin)
            raise CodeGone(reason.code) from reason
        raise


def _postpone(run: FunctionRun, before: FunctionRun, reason: NotYet, using: Executor) -> Verdict:
    """Give the run back as it was before, for a later attempt, which waits longer each time.

    What was not executed is not counted.
    """
    delay = min(2**run.postponements, 900)
    given_back = before.evolve(
        status=Status.PENDING,
        claim_token=None,
        started_at=None,
        error_code=reason.code,
        postponements=run.postponements + 1,
        deadline=pending_deadline(clock.now() + timedelta(seconds=delay)),
    )
    if not using.runs.transition(run, given_back):
        return Verdict.NOT_OURS
    using.queue.push(given_back, delay_seconds=delay)
    return Verdict.POSTPONED


def _leave(run: FunctionRun, reason: Uncertain, runs: Runs) -> Verdict:
    """Keep the claim: the function may still be at work. Once the lease has ended, the watchdog gives the run back."""
    return Verdict.POSTPONED if runs.transition(run, run.evolve(error_code=reason.code)) else Verdict.NOT_OURS


def _seal(run: FunctionRun, outcome: Outcome, cipher: Cipher) -> tuple[SealedParts, bool]:
    """The sealed parts, and whether the result had to be left out.

    A finished execution is worth more than its output: what is too large, or cannot be sealed because KMS is down,
    is left out rather than the function being executed again for it.
    """
    contents = {Part.RESULT: outcome.result, Part.LOGS: outcome.logs, Part.ERROR: _shortened(outcome.error)}
    kept = {part: content for part, content in contents.items() if content is not None and len(content) <= MAX_BYTES}
    try:
        sealed = {part: cipher.seal(content, label(run, part)) for part, content in kept.items()}
    except Unavailable:
        sealed = {}
    return sealed, outcome.result is not None and Part.RESULT not in sealed


def _shortened(error: bytes | None) -> bytes | None:
    """An error that is too large to keep keeps its beginning, as a JSON string."""
    if error is None or len(error) <= MAX_BYTES:
        return error
    return json.dumps(error[:10_000].decode(errors="replace") + " …").encode()
