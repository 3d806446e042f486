"""End a run: record what came of it, and tell the bus."""

import json
from datetime import timedelta
from typing import Protocol

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.outcome import Outcome
from handlers.domain.recording import SealedParts, label
from handlers.domain.run import FunctionRun, Part
from handlers.domain.seal import Cipher

MAX_ATTEMPTS = 3
EVENT_DEADLINE = timedelta(seconds=60)

EXECUTION_LOST = Outcome.failure(
    "ExecutionLost", f"The outcome of {MAX_ATTEMPTS} executions was lost. The function may have done its work."
)


class Runs(Protocol):
    def transition(self, before: FunctionRun, after: FunctionRun, parts: SealedParts | None = None) -> bool:
        """Store the change, if the run has not moved since it was read. False if it has. Raises Unavailable."""


class LifecycleBus(Protocol):
    def announce(self, run: FunctionRun) -> bool:
        """Tell that a run has ended. False if the bus did not take it: the watchdog will tell again."""


class Finisher(Protocol):
    """What ending a run needs: an Executor, or the watchdog's tools."""

    @property
    def runs(self) -> Runs: ...
    @property
    def cipher(self) -> Cipher: ...
    @property
    def bus(self) -> LifecycleBus: ...


def finish(run: FunctionRun, outcome: Outcome, using: Finisher) -> bool:
    """Record the outcome and tell the bus. False for a late outcome of a claim that was lost: it is not stored."""
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
        return False
    announce(finished, using)
    return True


def announce(finished: FunctionRun, using: Finisher) -> bool:
    """Tell the bus and note that it was told. Told twice if we die in between: consumers see the run's id."""
    told = using.bus.announce(finished)
    if told:
        using.runs.transition(finished, finished.evolve(event_pending=False, deadline=None))
    return told


def _seal(run: FunctionRun, outcome: Outcome, cipher: Cipher) -> tuple[SealedParts, bool]:
    """The sealed parts, and whether the result had to be left out.

    A finished execution is worth more than its output: what is too large, or cannot be sealed because KMS is down,
    is left out rather than the function being executed again for it.
    """
    contents = {Part.RESULT: outcome.result, Part.LOGS: outcome.logs, Part.ERROR: shortened(outcome.error)}
    kept = {part: content for part, content in contents.items() if content is not None and len(content) <= MAX_BYTES}
    try:
        sealed = {part: cipher.seal(content, label(run, part)) for part, content in kept.items()}
    except Unavailable:
        sealed = {}
    return sealed, outcome.result is not None and Part.RESULT not in sealed


def shortened(error: bytes | None) -> bytes | None:
    """An error that is too large to keep keeps its beginning, as a JSON string."""
    if error is None or len(error) <= MAX_BYTES:
        return error
    return json.dumps(error[:10_000].decode(errors="replace") + " …").encode()
