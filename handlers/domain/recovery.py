"""No open run is forgotten: what the watchdog does with a run whose deadline has passed.

Every step is a condition on the run not having moved since it was read, so two watchdogs at once, or one that dies
half way, do no harm: what was not done is still overdue at the next pass.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.execution import EXECUTION_LOST, MAX_ATTEMPTS, LifecycleBus, Verdict, announce, finish
from handlers.domain.execution import Runs as ExecutionRuns
from handlers.domain.recording import RunQueue
from handlers.domain.run import FunctionRun, Status, pending_deadline
from handlers.domain.seal import Cipher


class Runs(ExecutionRuns, Protocol):
    def overdue(self) -> Iterator[FunctionRun]:
        """Runs whose deadline has passed, read consistently, page by page."""


class Watchdog(NamedTuple):
    """What recovery needs."""

    runs: Runs
    cipher: Cipher
    queue: RunQueue
    bus: LifecycleBus


class Remedy(StrEnum):
    PUSHED_AGAIN = "pushed again"
    LOST = "failed as lost"
    ANNOUNCED = "announced again"
    MOVED_ON = "moved on by itself"


def recover(run: FunctionRun, using: Watchdog) -> Remedy:
    if not run.status.is_open:
        announce(run, using)
        return Remedy.ANNOUNCED
    if run.status is Status.RUNNING and run.execution_attempts >= MAX_ATTEMPTS:
        lost = finish(run, EXECUTION_LOST, using) is Verdict.FINISHED
        return Remedy.LOST if lost else Remedy.MOVED_ON
    # A running run whose lease has ended goes back to pending: its claim is void, a late outcome is not stored.
    waiting = run.evolve(
        status=Status.PENDING,
        claim_token=None,
        started_at=None,
        postponements=run.postponements + 1,
        deadline=pending_deadline(clock.now(), run.postponements + 1),
    )
    if not using.runs.transition(run, waiting):
        return Remedy.MOVED_ON
    using.queue.push(waiting)
    return Remedy.PUSHED_AGAIN
