"""List the runs of a workspace, newest first."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol

from handlers.domain.paging import Page, position_of
from handlers.domain.query import MOMENTS, Reader, a_group_id, an_id, flag, moment, one_of, read_filters, short_text
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Status

# Where a filter matches few runs, a page is cut short rather than read on: this many runs are looked at for each one
# asked for, at most.
LOOKS_PER_RUN = 5


class Filters(NamedTuple):
    """What is asked of the runs of a list, all of it at once. The names are those of a run's fields."""

    status: Status | None = None
    function_id: str | None = None
    trigger_id: str | None = None
    recovered: bool | None = None
    is_rerun: bool | None = None
    rerun_by: str | None = None
    execution_source: ExecutionSource | None = None
    error_code: str | None = None
    function_version: str | None = None
    error_group_id: str | None = None
    batch_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "Filters":
        """Raises InvalidRequest naming the parameter."""
        return cls(**read_filters(query, _READERS))

    def match(self, run: FunctionRun) -> bool:
        """Whether it is as asked for, whatever its time: that is the index's matter."""
        asked = {name: value for name, value in self._asdict().items() if name not in MOMENTS.values()}
        return all(value is None or getattr(run, name) == value for name, value in asked.items())


class Entry(NamedTuple):
    """Where a run stands in an index."""

    position: str
    run_id: str


class RunIndex(Protocol):
    def newest_first(self, workspace: str, filters: Filters, page: Page) -> Iterator[Entry]:
        """The workspace's runs after the page's position, by the index that fits the filters best.

        They need not match all filters. Entries are read as they are asked for.
        """


def list_runs(
    workspace: str, filters: Filters, page: Page, index: RunIndex, runs: RunReader
) -> tuple[list[FunctionRun], str | None]:
    """A page of runs, and the position to go on from.

    Where few runs match, the page may be short, or empty, and still have a next one.
    """
    entries = index.newest_first(workspace, filters, page)
    found: list[FunctionRun] = []
    position = None
    for _ in range(LOOKS_PER_RUN):
        looked_at = list(islice(entries, page.size))
        read = runs.read_many([entry.run_id for entry in looked_at])
        # Not each index is the workspace's.
        found += [run for run in read if run.workspace == workspace and filters.match(run)]
        position = looked_at[-1].position if len(looked_at) == page.size else None
        if position is None or len(found) >= page.size:
            break
    if len(found) > page.size:
        found = found[: page.size]
        position = position_of(found[-1].created_at, found[-1].id)
    return found, position


_READERS: dict[str, Reader] = {
    "status": one_of(Status),
    "functionId": an_id,
    "triggerId": an_id,
    "recovered": flag,
    "isRerun": flag,
    "rerunBy": short_text,
    "executionSource": one_of(ExecutionSource),
    "errorCode": short_text,
    "functionVersion": short_text,
    "errorGroupId": a_group_id,
    "batchId": an_id,
    "from": moment,
    "to": moment,
}
