"""No open run is forgotten: what the watchdog does with runs whose deadline has passed.

Every step is a condition on the run not having moved since it was read, so two watchdogs at once, or one that dies
half way, do no harm: what was not done is still overdue at the next pass.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache, partial
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.log_context import concerns_run
from handlers.domain.process_each import process_each
from handlers.domain.runs.due import (
    MAX_MESSAGE_DELAY,
    later,
    postponed_for,
    push_when_due,
    wait_of,
)
from handlers.domain.runs.finish import (
    CANCELLED,
    ERASED,
    EXECUTION_LOST,
    EXPIRED,
    MAX_ATTEMPTS,
    delivery_failed,
    end_without_execution,
    finish,
    is_publishable,
    mark_published,
)
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.ports import ErrorGroups, LifecycleBus, OverdueRuns, RunQueue, RunTransitions
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.seal import Cipher
from handlers.domain.upkeep.publishing import PUBLISHED_AT_ONCE, is_given_up, note_publication, publish_again

# A bus that did not take so many events, each of a run whose parts were to be moved, is left alone until the next pass.
MAX_UNPUBLISHED = 3
# So is a bucket in which so many could not be moved: each may take all of a pass's time.
MAX_UNMOVED = 3
# Set aside in a pass until its open runs are done with: more than a pass can publish, and they fit into memory.
MAX_ENDS = 10_000
# Between our clock and the queue's. A message is tried for more than an hour before it ends in the dead-letter queue.
CLOCKS_DIFFER = timedelta(minutes=1)


class DeadLetter(NamedTuple):
    """A message of the execution queue that was delivered in vain, time and again."""

    run_id: str
    receipt: str
    sent_at: datetime


class DeadLetters(Protocol):
    def parseable(self) -> Iterator[DeadLetter]:
        """Those that name a run. What cannot be understood is left where it is, for people."""

    def delete(self, dead_letter: DeadLetter) -> None: ...


class WatchdogDeps(NamedTuple):
    """What recovery needs."""

    runs: OverdueRuns
    cipher: Cipher
    queue: RunQueue
    bus: LifecycleBus
    groups: ErrorGroups
    dead_letters: DeadLetters
    max_concurrent_executions: int
    """If more messages wait than that, they wait for their turn, and a run that is pending has not been forgotten."""


class RecoveryResult(StrEnum):
    PUSHED_AGAIN = "pushed again"
    IN_BACKLOG = "waits in the queue"
    LOST = "failed as lost"
    CANCELLED = "cancelled"
    EXPIRED = "failed as expired"
    ERASED = "failed as erased"
    REDELIVERED = "sent once more"
    UNDELIVERABLE = "failed as undeliverable"
    MOVED_PARTS = "parts moved to where they stay"
    UNMOVED = "parts could not be moved"
    PUBLISHED_AGAIN = "published again"
    UNPUBLISHED = "could not be published"
    RETRY_GIVEN_UP = "retry given up"
    MOVED_ON = "moved on by itself"
    RESCHEDULED = "looked at again at its deadline"
    FAILED = "failed to recover"


def recover_overdue(
    deps: WatchdogDeps, *, has_time: Callable[[], bool], report: Callable[[Exception, FunctionRun], None]
) -> Counter[RecoveryResult]:
    """One pass over overdue runs: how many had each result. One that cannot be helped is reported and passed over."""
    done: Counter[RecoveryResult] = Counter()

    def is_worth_trying(run: FunctionRun) -> bool:
        if run.staged and done[RecoveryResult.UNMOVED] >= MAX_UNMOVED:
            return False
        return run.status.is_open or done[RecoveryResult.UNPUBLISHED] < MAX_UNPUBLISHED

    # Asked once a pass, and only if there is a run that depends on it.
    has_backlog = cache(lambda: _has_backlog(deps))

    def recovered(run: FunctionRun) -> RecoveryResult:
        try:
            return recover(run, deps, has_backlog=has_backlog)
        except NotMoved as fault:
            report(fault, run)
            return RecoveryResult.UNMOVED

    work_through = partial(process_each, failed=RecoveryResult.FAILED, report=report, done=done)
    ends: list[FunctionRun] = []
    try:
        work_through(filter(is_worth_trying, _set_aside(deps.runs.overdue(), ends)), recovered, has_time=has_time)
    finally:  # if no more can be read, those read before can be published all the same
        while ends and has_time():
            some, ends = ends[:PUBLISHED_AT_ONCE], ends[PUBLISHED_AT_ONCE:]
            taken = publish_again(some, deps, report)
            work_through(some, partial(_note_publication, deps=deps, taken=taken), has_time=lambda: True)
            if not taken:
                break
    return done


def _set_aside(overdue: Iterator[FunctionRun], ends: list[FunctionRun]) -> Iterator[FunctionRun]:
    """All but the ends that only have to be published. After a long outage there are many, older than any open run."""
    for run in overdue:
        if run.status.is_open or run.staged or not run.event_pending or is_given_up(run) or _is_early(run):
            yield run
        elif len(ends) == MAX_ENDS:
            return
        else:
            ends.append(run)


def recover(run: FunctionRun, deps: WatchdogDeps, *, has_backlog: Callable[[], bool] = lambda: False) -> RecoveryResult:
    concerns_run(run.id, run.lineage_id)
    if _is_early(run):
        deps.runs.reschedule(run)
        return RecoveryResult.RESCHEDULED
    run = _moved(run, deps.runs)
    if run.status.is_open:
        return _ended_or_pushed(run, deps, has_backlog)
    if run.event_pending:
        return _publish_again(run, deps)
    return RecoveryResult.MOVED_PARTS if mark_published(run, deps.runs) else RecoveryResult.MOVED_ON


def _ended_or_pushed(run: FunctionRun, deps: WatchdogDeps, has_backlog: Callable[[], bool]) -> RecoveryResult:
    if (end := _end_of(run)) is not None:
        return _ENDED[end] if finish(run, end, deps) else RecoveryResult.MOVED_ON
    if wait_of(run) > MAX_MESSAGE_DELAY:
        # It was looked at so early because its parts had to be moved.
        moved = deps.runs.transition(run, run.moved(deadline=run.not_before))
        return RecoveryResult.MOVED_PARTS if moved else RecoveryResult.MOVED_ON
    # A second message beside one that waits would take an executor's place for nothing, and so make the backlog longer:
    # a push that was lost is made up for once the backlog has gone.
    is_queued = run.status is Status.PENDING and not _is_first_push(run) and has_backlog()
    # A running run whose lease has ended goes back to pending: its claim is void, a late outcome is not stored.
    waiting = later(run, status=Status.PENDING, claim_token=None, started_at=None, waits_until=None)
    if not deps.runs.transition(run, waiting):
        return RecoveryResult.MOVED_ON
    if is_queued:
        return RecoveryResult.IN_BACKLOG
    push_when_due(waiting, deps.queue)
    return RecoveryResult.PUSHED_AGAIN


def _is_early(run: FunctionRun) -> bool:
    """Whether it was found before its deadline: a move may leave it where it was to be looked at."""
    return run.deadline is not None and run.deadline > clock.now()


def _has_backlog(deps: WatchdogDeps) -> bool:
    try:
        return deps.queue.waiting() > deps.max_concurrent_executions
    except Unavailable:
        return False  # and if the queue takes no push either, the run comes again


def _is_first_push(run: FunctionRun) -> bool:
    """Whether the run was to wait for so long that nobody but the watchdog pushes it."""
    was_to_wait = timedelta() if run.not_before is None else run.not_before - run.created_at
    return was_to_wait > MAX_MESSAGE_DELAY and run.postponements == 0


class NotMoved(Exception):
    """The bucket did not answer."""


def _moved(run: FunctionRun, runs: RunTransitions) -> FunctionRun:
    """The run once all of its parts are where they stay. Raises NotMoved."""
    if not run.staged:
        return run
    try:
        return runs.move_staged(run)
    except Unavailable as fault:
        raise NotMoved from fault


_ENDED = {
    CANCELLED: RecoveryResult.CANCELLED,
    ERASED: RecoveryResult.ERASED,
    EXPIRED: RecoveryResult.EXPIRED,
    EXECUTION_LOST: RecoveryResult.LOST,
}


def _end_of(run: FunctionRun) -> Outcome | None:
    """How an open run ends that is not to be executed again."""
    is_lost = run.status is Status.RUNNING and run.execution_attempts >= MAX_ATTEMPTS
    return end_without_execution(run) or (EXECUTION_LOST if is_lost else None)


def end_undeliverable(
    deps: WatchdogDeps, *, has_time: Callable[[], bool], report: Callable[[Exception, str], None]
) -> Counter[RecoveryResult]:
    """Runs whose messages end in the dead-letter queue do not stay open. What fails is reported, with the run's id.

    The first time they are sent once more: what kept their message from being processed, an outage of DynamoDB say,
    may be over.
    """
    return process_each(
        deps.dead_letters.parseable(),
        lambda dead_letter: _process_dead_letter(dead_letter, deps),
        failed=RecoveryResult.FAILED,
        has_time=has_time,
        report=lambda fault, dead_letter: report(fault, dead_letter.run_id),
    )


def _process_dead_letter(dead_letter: DeadLetter, deps: WatchdogDeps) -> RecoveryResult:
    concerns_run(dead_letter.run_id)
    run = deps.runs.read_run(dead_letter.run_id)
    result = RecoveryResult.MOVED_ON
    # One that is running has a lease, and one that is not due yet, or postponed, another message to come.
    if run is not None and run.status is Status.PENDING and not wait_of(run) and not postponed_for(run):
        result = _redelivered_or_ended(_moved(run, deps.runs), dead_letter, deps)
    deps.dead_letters.delete(dead_letter)
    return result


def _redelivered_or_ended(run: FunctionRun, dead_letter: DeadLetter, deps: WatchdogDeps) -> RecoveryResult:
    if run.redelivered_at is None:
        once_more = run.moved(redelivered_at=clock.now())
        if not deps.runs.transition(run, once_more):
            return RecoveryResult.MOVED_ON
        push_when_due(once_more, deps.queue)
        return RecoveryResult.REDELIVERED
    # An older dead letter of the same run says nothing new: there may be several.
    is_new = dead_letter.sent_at > run.redelivered_at - CLOCKS_DIFFER
    return (
        RecoveryResult.UNDELIVERABLE if is_new and finish(run, delivery_failed(run), deps) else RecoveryResult.MOVED_ON
    )


def _publish_again(run: FunctionRun, deps: WatchdogDeps) -> RecoveryResult:
    if is_given_up(run):
        return RecoveryResult.RETRY_GIVEN_UP if mark_published(run, deps.runs) else RecoveryResult.MOVED_ON
    taken = deps.bus.publish([run]) if is_publishable(run, deps) else []
    return _note_publication(run, deps, {each.id for each in taken})


def _note_publication(run: FunctionRun, deps: WatchdogDeps, taken: set[str]) -> RecoveryResult:
    """`taken` are the runs whose events the bus took."""
    concerns_run(run.id, run.lineage_id)
    note_publication(run, deps, is_taken=run.id in taken)
    return RecoveryResult.PUBLISHED_AGAIN if run.id in taken else RecoveryResult.UNPUBLISHED
