"""No open run is forgotten: what the watchdog does with runs whose deadline has passed.

Every step is a condition on the run not having moved since it was read, so two watchdogs at once, or one that dies
half way, do no harm: what was not done is still overdue at the next pass.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.one_by_one import one_by_one
from handlers.domain.runs.due import (
    MAX_MESSAGE_DELAY,
    first_deadline,
    pending_deadline,
    postponed_for,
    push_when_due,
    wait_of,
)
from handlers.domain.runs.finish import (
    CANCELLED,
    EXECUTION_LOST,
    EXPIRED,
    MAX_ATTEMPTS,
    LifecycleBus,
    announce,
    delivery_failed,
    end_without_execution,
    finish,
    settle,
)
from handlers.domain.runs.finish import Runs as FinishingRuns
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.recording import RunQueue
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.seal import Cipher

# A bus that took none of so many events is left alone until the next pass: open runs come first.
MAX_UNTOLD = 3
# So is a bucket in which so many could not be moved: each may take all of a pass's time.
MAX_UNMOVED = 3
# Between our clock and the queue's. A message is tried for more than an hour before it ends in the dead-letter queue.
CLOCKS_DIFFER = timedelta(minutes=1)
# Of a failure that nobody could decide on, told each quarter of an hour in the end: about two days.
MAX_TELLINGS = 200


class Runs(FinishingRuns, Protocol):
    def overdue(self) -> Iterator[FunctionRun]:
        """Runs whose deadline has passed, read consistently, page by page."""

    def read_run(self, run_id: str) -> FunctionRun | None: ...

    def move_staged(self, run: FunctionRun) -> FunctionRun:
        """The run once its parts are where they stay. Raises Unavailable."""


class DeadLetter(NamedTuple):
    """A message of the execution queue that was delivered in vain, time and again."""

    run_id: str
    receipt: str
    sent_at: datetime


class DeadLetters(Protocol):
    def understood(self) -> Iterator[DeadLetter]:
        """Those that name a run. What cannot be understood is left where it is, for people."""

    def delete(self, letter: DeadLetter) -> None: ...


class Watchdog(NamedTuple):
    """What recovery needs."""

    runs: Runs
    cipher: Cipher
    queue: RunQueue
    bus: LifecycleBus
    dead_letters: DeadLetters
    max_concurrent_executions: int
    """If more messages wait than that, they wait for their turn, and a run that is pending has not been forgotten."""


class Remedy(StrEnum):
    PUSHED_AGAIN = "pushed again"
    IN_BACKLOG = "waits in the queue"
    LOST = "failed as lost"
    CANCELLED = "cancelled"
    EXPIRED = "failed as expired"
    REDELIVERED = "sent once more"
    UNDELIVERABLE = "failed as undeliverable"
    MOVED_PARTS = "parts moved to where they stay"
    UNMOVED = "parts could not be moved"
    ANNOUNCED = "announced again"
    UNTOLD = "could not be announced"
    RETRY_GIVEN_UP = "retry given up"
    MOVED_ON = "moved on by itself"
    FAILED = "failed to recover"


def recover_overdue(
    using: Watchdog, *, has_time: Callable[[], bool], report: Callable[[Exception, FunctionRun], None]
) -> Counter[Remedy]:
    """One pass over overdue runs: how many got which remedy. One that cannot be helped is reported and passed over."""
    done: Counter[Remedy] = Counter()

    def is_worth_trying(run: FunctionRun) -> bool:
        if run.staged and done[Remedy.UNMOVED] >= MAX_UNMOVED:
            return False
        return run.status.is_open or done[Remedy.UNTOLD] < MAX_UNTOLD

    # Asked once a pass, and only if there is a run that depends on it.
    has_backlog = cache(lambda: _has_backlog(using))

    def recovered(run: FunctionRun) -> Remedy:
        try:
            return recover(run, using, has_backlog=has_backlog)
        except NotMoved as fault:
            report(fault, run)
            return Remedy.UNMOVED

    return one_by_one(
        filter(is_worth_trying, using.runs.overdue()),
        recovered,
        failed=Remedy.FAILED,
        has_time=has_time,
        report=report,
        done=done,
    )


def recover(run: FunctionRun, using: Watchdog, *, has_backlog: Callable[[], bool] = lambda: False) -> Remedy:
    run = _moved(run, using.runs)
    if not run.status.is_open:
        return _announce_again(run, using) if run.event_pending else _settle(run, using)
    if (end := _end_of(run)) is not None:
        return _ENDED[end] if finish(run, end, using) else Remedy.MOVED_ON
    if wait_of(run) > MAX_MESSAGE_DELAY:
        # It was looked at so early because its parts had to be moved.
        moved = using.runs.transition(run, run.evolve(deadline=run.not_before))
        return Remedy.MOVED_PARTS if moved else Remedy.MOVED_ON
    # A second message beside one that waits would take an executor's place for nothing, and so make the backlog longer:
    # a push that was lost is made up for once the backlog has gone.
    is_queued = run.status is Status.PENDING and not _is_first_push(run) and has_backlog()
    # A running run whose lease has ended goes back to pending: its claim is void, a late outcome is not stored.
    waiting = _later(run).evolve(status=Status.PENDING, claim_token=None, started_at=None, waits_until=None)
    if not using.runs.transition(run, waiting):
        return Remedy.MOVED_ON
    if is_queued:
        return Remedy.IN_BACKLOG
    push_when_due(waiting, using.queue)
    return Remedy.PUSHED_AGAIN


def _has_backlog(using: Watchdog) -> bool:
    try:
        return using.queue.waiting() > using.max_concurrent_executions
    except Unavailable:
        return False  # and if the queue takes no push either, the run comes again


def _is_first_push(run: FunctionRun) -> bool:
    """Whether the run was to wait for so long that nobody but the watchdog pushes it."""
    was_to_wait = timedelta() if run.not_before is None else run.not_before - run.created_at
    return was_to_wait > MAX_MESSAGE_DELAY and run.postponements == 0


class NotMoved(Exception):
    """The bucket did not answer."""


def _moved(run: FunctionRun, runs: Runs) -> FunctionRun:
    """The run once all of its parts are where they stay. Raises NotMoved."""
    if not run.staged:
        return run
    try:
        return runs.move_staged(run)
    except Unavailable as fault:
        raise NotMoved from fault


_ENDED = {CANCELLED: Remedy.CANCELLED, EXPIRED: Remedy.EXPIRED, EXECUTION_LOST: Remedy.LOST}


def _end_of(run: FunctionRun) -> Outcome | None:
    """How an open run ends that is not to be executed again."""
    is_lost = run.status is Status.RUNNING and run.execution_attempts >= MAX_ATTEMPTS
    return end_without_execution(run) or (EXECUTION_LOST if is_lost else None)


def end_undeliverable(
    using: Watchdog, *, has_time: Callable[[], bool], report: Callable[[Exception, str], None]
) -> Counter[Remedy]:
    """Runs whose messages end in the dead-letter queue do not stay open. What fails is reported, with the run's id.

    The first time they are sent once more: what kept their message from being processed, an outage of DynamoDB say,
    may be over.
    """
    return one_by_one(
        using.dead_letters.understood(),
        lambda letter: _heed(letter, using),
        failed=Remedy.FAILED,
        has_time=has_time,
        report=lambda fault, letter: report(fault, letter.run_id),
    )


def _heed(letter: DeadLetter, using: Watchdog) -> Remedy:
    run = using.runs.read_run(letter.run_id)
    remedy = Remedy.MOVED_ON
    # One that is running has a lease, and one that is not due yet, or postponed, another message to come.
    if run is not None and run.status is Status.PENDING and not wait_of(run) and not postponed_for(run):
        remedy = _redelivered_or_ended(_moved(run, using.runs), letter, using)
    using.dead_letters.delete(letter)
    return remedy


def _redelivered_or_ended(run: FunctionRun, letter: DeadLetter, using: Watchdog) -> Remedy:
    if run.redelivered_at is None:
        once_more = run.evolve(redelivered_at=clock.now())
        if not using.runs.transition(run, once_more):
            return Remedy.MOVED_ON
        push_when_due(once_more, using.queue)
        return Remedy.REDELIVERED
    # A letter from before that says nothing new: there may be several.
    is_new = letter.sent_at > run.redelivered_at - CLOCKS_DIFFER
    return Remedy.UNDELIVERABLE if is_new and finish(run, delivery_failed(run), using) else Remedy.MOVED_ON


def _settle(run: FunctionRun, using: Watchdog) -> Remedy:
    return Remedy.MOVED_PARTS if settle(run, using.runs) else Remedy.MOVED_ON


def _announce_again(run: FunctionRun, using: Watchdog) -> Remedy:
    if run.awaits_retry and run.postponements >= MAX_TELLINGS:
        return Remedy.RETRY_GIVEN_UP if settle(run, using.runs) else Remedy.MOVED_ON
    told = announce(run, using)
    if not told or run.awaits_retry:
        # Whoever retries it notes that the event has come; until then it may have been lost.
        using.runs.transition(run, _later(run))
    return Remedy.ANNOUNCED if told else Remedy.UNTOLD


def _later(run: FunctionRun) -> FunctionRun:
    """Overdue again after a while that grows each time, and not before the run is due."""
    postponements = run.postponements + 1
    at = clock.now()
    deadline = max(pending_deadline(at, postponements), first_deadline(at, run.not_before))
    return run.evolve(postponements=postponements, deadline=deadline)
