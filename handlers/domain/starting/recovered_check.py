"""Whether a lineage still has something to recover: what `ifNotRecovered` asks before a re-run. Nothing of it writes.

What it finds holds for as long as the lineage has as many re-runs as it gives: `start.commit` makes that a condition.
For of these runs none is open, and so only a new re-run can make another one open, or completed.
"""

from collections.abc import Iterable

from handlers.domain import clock
from handlers.domain.errors import AlreadyRecovered, RerunOpen, RunNotFound
from handlers.domain.paging import MAX_SIZE, Page
from handlers.domain.runs.history import LineageReader
from handlers.domain.runs.run import FunctionRun, Status

# In which the items of one transaction become visible, one after the other.
_TRANSACTION_SECONDS = 0.05


def check_not_recovered(source: FunctionRun, runs: LineageReader) -> int:
    """How many re-runs the lineage has had so far.

    `source` is one of its runs, read before this. Raises AlreadyRecovered, RerunOpen, RunNotFound if the original is
    gone, or Unavailable.
    """
    original = _original_of(source, runs)
    reruns = _reruns(original, runs)
    if len(reruns) < original.rerun_count:
        # Some have expired. Or the newest has been counted, and is not to be seen yet.
        clock.pause(_TRANSACTION_SECONDS)
        reruns = _reruns(original, runs)
    refuse_unless_recoverable(source, original, reruns)
    return original.rerun_count


def refuse_unless_recoverable(source: FunctionRun, original: FunctionRun, reruns: Iterable[FunctionRun]) -> None:
    """Of these re-runs: all of the lineage, or the newest of a plan. Raises AlreadyRecovered, or else RerunOpen."""
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


def _reruns(original: FunctionRun, runs: LineageReader) -> list[FunctionRun]:
    found: list[FunctionRun] = []
    page = Page(MAX_SIZE)
    while original.rerun_count:
        edges = runs.edges(original.id, page)
        found += runs.read_many(edges.run_ids)
        if edges.last_position is None:
            break
        page = Page(MAX_SIZE, edges.last_position)
    return found
