"""How the books of a batch are kept. Nothing here reads or writes."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from handlers.domain.batches.batch import MAX_GROUPS, OTHER_GROUPS, Progress, Skipped
from handlers.domain.errors import AlreadyRecovered, Refused, RerunLimitReached, RerunOpen
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.starting.recovered_check import LineageUnreadable
from handlers.domain.starting.start import LineageMoved

Name = TypeVar("Name", bound=str)


class NotStarted(NamedTuple):
    """Why a source is not re-run: one of both."""

    skipped: Skipped | None = None
    refused: str | None = None


Stands = Refused | LineageMoved | LineageUnreadable
"""What stands against a re-run, as it is raised."""
AGAINST_RERUN = (Refused, LineageMoved, LineageUnreadable)


def not_started(stands: Stands) -> NotStarted:
    if isinstance(stands, AlreadyRecovered):
        return NotStarted(skipped="recovered")
    if isinstance(stands, RerunOpen | LineageMoved | LineageUnreadable):
        return NotStarted(skipped="open")
    if isinstance(stands, RerunLimitReached):
        return NotStarted(skipped="limit")
    return NotStarted(refused=stands.code)


def with_started(progress: Progress, count: int) -> Progress:
    return progress.evolve(selected=progress.selected + count, started=progress.started + count)


def with_not_started(progress: Progress, reasons: Iterable[NotStarted]) -> Progress:
    for reason in reasons:
        selected = progress.selected + 1
        if reason.skipped is not None:
            progress = progress.evolve(selected=selected, skipped=_more(progress.skipped, reason.skipped))
        elif reason.refused is not None:
            progress = progress.evolve(selected=selected, refused=_more(progress.refused, reason.refused))
    return progress


def with_end(progress: Progress, ended: FunctionRun | None) -> Progress:
    """The end of a re-run; None for one that is gone, and so failed as far as anybody can say."""
    if ended is not None and ended.status is Status.COMPLETED:
        return progress.evolve(completed=progress.completed + 1)
    if ended is not None and ended.status is Status.CANCELLED:
        return progress.evolve(cancelled=progress.cancelled + 1)
    groups = progress.failed_by_group
    group = ended.error_group_id if ended is not None else None
    is_named = group is not None and (group in groups or len(groups.keys() - {OTHER_GROUPS}) < MAX_GROUPS)
    name = group if group is not None and is_named else OTHER_GROUPS
    return progress.evolve(failed=progress.failed + 1, failed_by_group=_more(groups, name))


def _more(counts: Mapping[Name, int], name: Name) -> dict[Name, int]:
    return {**counts, name: counts.get(name, 0) + 1}
