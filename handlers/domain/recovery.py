"""No open run is forgotten: what the watchdog does with runs whose deadline has passed.

Every step is a condition on the run not having moved since it was read, so two watchdogs at once, or one that dies
half way, do no harm: what was not done is still overdue at the next pass.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.finish import EXECUTION_LOST, MAX_ATTEMPTS, LifecycleBus, announce, finish
from handlers.domain.finish import Runs as FinishingRuns
from handlers.domain.recording import RunQueue
from handlers.domain.run import FunctionRun, Status, pending_deadline
from handlers.domain.seal import Cipher

# A bus that took none of so many events is left alone until the next pass: open runs come first.
MAX_UNTOLD = 3


class Runs(FinishingRuns, Protocol):
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
    UNTOLD = "could not be announced"
    MOVED_ON = "moved on by itself"
    FAILED = "failed to recover"


def sweep(
    using: Watchdog, *, has_time: Callable[[], bool], report: Callable[[Exception, FunctionRun], None]
) -> Counter[Remedy]:
    """One pass over overdue runs: how many got which remedy. One that cannot be helped is reported and passed over."""
    done: Counter[Remedy] = Counter()
    for run in using.runs.overdue():
        if not has_time():
            break
        if not run.status.is_open and done[Remedy.UNTOLD] >= MAX_UNTOLD:
            continue
        try:
            done[recover(run, using)] += 1
        except Exception as fault:  # noqa: BLE001 - it must not keep the others waiting
            report(fault, run)
            done[Remedy.FAILED] += 1
    return done


def recover(run: FunctionRun, using: Watchdog) -> Remedy:
    if not run.status.is_open:
        return _announce_again(run, using)
    if run.status is Status.RUNNING and run.execution_attempts >= MAX_ATTEMPTS:
        return Remedy.LOST if finish(run, EXECUTION_LOST, using) else Remedy.MOVED_ON
    # A running run whose lease has ended goes back to pending: its claim is void, a late outcome is not stored.
    waiting = _later(run).evolve(status=Status.PENDING, claim_token=None, started_at=None)
    if not using.runs.transition(run, waiting):
        return Remedy.MOVED_ON
    using.queue.push(waiting)
    return Remedy.PUSHED_AGAIN


def _announce_again(run: FunctionRun, using: Watchdog) -> Remedy:
    if announce(run, using):
        return Remedy.ANNOUNCED
    using.runs.transition(run, _later(run))
    return Remedy.UNTOLD


def _later(run: FunctionRun) -> FunctionRun:
    """Overdue again after a while that grows each time."""
    postponements = run.postponements + 1
    return run.evolve(postponements=postponements, deadline=pending_deadline(clock.now(), postponements))
