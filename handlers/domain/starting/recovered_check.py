"""Whether a lineage still has something to recover: what `ifNotRecovered` asks before a re-run. Nothing of it writes.

What it finds holds for as long as the lineage has as many re-runs as it gives: `start.commit` makes that a condition.
For of these runs none is open, and so only a new re-run can make another one open, or completed.
"""

from collections.abc import Iterable, Iterator

from handlers.domain import clock
from handlers.domain.errors import AlreadyRecovered, RerunOpen, RunNotFound, Unavailable
from handlers.domain.paging import MAX_SIZE, Page
from handlers.domain.runs.history import EdgePage, LineageReader
from handlers.domain.runs.recording import Retention
from handlers.domain.runs.run import FunctionRun, Status

# In which the items of one transaction become visible, one after the other.
_TRANSACTION_SECONDS = 0.05


class LineageUnreadable(Unavailable):
    """Re-runs cannot be read that may be open."""


def check_not_recovered(source: FunctionRun, runs: LineageReader, retention: Retention) -> int:
    """How many re-runs the lineage has had so far.

    `source` is one of its runs, read before this. Raises AlreadyRecovered, RerunOpen, RunNotFound if the original is
    gone, LineageUnreadable or Unavailable.
    """
    original = _original_of(source, runs)
    if not _are_all_looked_at(source, original, runs, retention):
        clock.pause(_TRANSACTION_SECONDS)
        if not _are_all_looked_at(source, original, runs, retention):
            raise LineageUnreadable
    return original.rerun_count


def _are_all_looked_at(source: FunctionRun, original: FunctionRun, runs: LineageReader, retention: Retention) -> bool:
    """Page by page, until one of them stands against it. Raises AlreadyRecovered or RerunOpen."""
    listed = found = 0
    for page in _pages(original, runs):
        reruns = runs.read_many(page)
        refuse_unless_recoverable(source, original, reruns)
        listed, found = listed + len(page), found + len(reruns)
    # A re-run expires together with what lists it, and none before the original is as old as runs become.
    may_have_expired = original.created_at + retention.span <= clock.now()
    return found == listed and (listed >= original.rerun_count or may_have_expired)


def refuse_unless_recoverable(source: FunctionRun, original: FunctionRun, reruns: Iterable[FunctionRun]) -> None:
    """Of these re-runs: a page of the lineage, or the newest of a plan. Raises AlreadyRecovered, or else RerunOpen."""
    if original.recovered_by is not None:
        raise AlreadyRecovered(original.recovered_by)
    lineage = {run.id: run for run in (source, original, *reruns)}.values()
    for run in lineage:
        is_recovering = run.is_recovering and run.function_id == original.function_id
        if is_recovering or (run.status is Status.COMPLETED and run.id in (source.id, original.id)):
            raise AlreadyRecovered(run.id)
    for run in lineage:
        if run.status.is_open or (run.awaits_retry and run.event_pending):
            raise RerunOpen(run.id)


def _original_of(source: FunctionRun, runs: LineageReader) -> FunctionRun:
    if not source.is_rerun:
        return source
    for original in runs.read_many([source.lineage_id]):
        return original
    raise RunNotFound


def _pages(original: FunctionRun, runs: LineageReader) -> Iterator[list[str]]:
    """The ids of its re-runs, oldest first. One page at least, though it be empty."""
    edges = runs.edges(original.id, Page(MAX_SIZE)) if original.rerun_count else EdgePage([], None)
    yield edges.run_ids
    while edges.last_position is not None:
        edges = runs.edges(original.id, Page(MAX_SIZE, edges.last_position))
        yield edges.run_ids
