"""Publish again the ends of runs whose events are pending: the watchdog's part in it."""

from collections.abc import Callable, Sequence
from datetime import datetime

from handlers.domain import clock
from handlers.domain.log_context import concerns_run, log_context
from handlers.domain.runs.due import MAX_MESSAGE_DELAY, later, pending_deadline
from handlers.domain.runs.finish import Finisher, is_publishable, mark_published
from handlers.domain.runs.run import FunctionRun

PUBLISHED_AT_ONCE = 10
# Of a failure that nobody could decide on, taken by the bus each quarter of an hour in the end: about two days.
MAX_PUBLICATIONS = 200


def is_given_up(run: FunctionRun) -> bool:
    return run.awaits_retry and run.postponements >= MAX_PUBLICATIONS


def publish_again(
    runs: Sequence[FunctionRun], deps: Finisher, report: Callable[[Exception, FunctionRun], None]
) -> set[str]:
    """Those that the bus took, by their ids. What keeps one from being published is reported: it comes again."""
    ready: list[FunctionRun] = []
    for run in runs:
        with log_context():
            concerns_run(run.id, run.lineage_id)
            try:
                if is_publishable(run, deps):
                    ready.append(run)
            except Exception as fault:  # noqa: BLE001 - it must not keep the others waiting
                report(fault, run)
    return {run.id for run in deps.bus.publish(ready)} if ready else set()


def note_publication(run: FunctionRun, deps: Finisher, *, is_taken: bool) -> None:
    """When the run is looked at again, if it is."""
    if not is_taken:
        deps.runs.transition(run, run.moved(deadline=_as_late_again(run)))
    elif run.awaits_retry:
        # The automatic retry records that the event has arrived; until then it may have been lost.
        deps.runs.transition(run, later(run))
    else:
        mark_published(run, deps.runs)


def _as_late_again(run: FunctionRun) -> datetime:
    """After as long as its event has waited already, within the bounds of what waits: nothing is counted."""
    now = clock.now()
    waited = now - (run.ended_at or now)
    return max(pending_deadline(now), now + min(waited, MAX_MESSAGE_DELAY))
