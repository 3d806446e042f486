"""List the runs of a workspace, newest first."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import required_id
from handlers.domain.paging import Page, position_of
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import FunctionRun, Status

# Where a filter matches few runs, a page is cut short rather than read on: this many runs are looked at for each one
# asked for, at most.
LOOKS_PER_RUN = 5


class Filters(NamedTuple):
    status: Status | None = None
    function_id: str | None = None
    trigger_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "Filters":
        """Raises InvalidRequest naming the parameter."""
        unknown = query.keys() - {"status", "functionId", "triggerId", "from", "to", "limit", "cursor"}
        if unknown:
            raise InvalidRequest(min(unknown)[:100], "is not a filter of this list.")
        filters = cls(
            status=_status(query.get("status")),
            function_id=_id(query, "functionId"),
            trigger_id=_id(query, "triggerId"),
            since=_moment(query, "from"),
            until=_moment(query, "to"),
        )
        if filters.since and filters.until and filters.until < filters.since:
            raise InvalidRequest("to", "is earlier than from.")
        return filters

    def match(self, run: FunctionRun) -> bool:
        return (
            (self.status is None or run.status is self.status)
            and (self.function_id is None or run.function_id == self.function_id)
            and (self.trigger_id is None or run.trigger_id == self.trigger_id)
        )


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
        found += filter(filters.match, runs.read_many([entry.run_id for entry in looked_at]))
        position = looked_at[-1].position if len(looked_at) == page.size else None
        if position is None or len(found) >= page.size:
            break
    if len(found) > page.size:
        found = found[: page.size]
        position = position_of(found[-1].created_at, found[-1].id)
    return found, position


def _status(text: str | None) -> Status | None:
    try:
        return None if text is None else Status(text)
    except ValueError:
        raise InvalidRequest("status", f"must be one of {', '.join(Status)}.") from None


def _id(query: dict[str, str], field: str) -> str | None:
    text = query.get(field)
    return None if text is None else required_id(text, field=field)


def _moment(query: dict[str, str], field: str) -> datetime | None:
    text = query.get(field)
    if text is None:
        return None
    moment = clock.moment_of(text, or_day=True)
    if moment is None:
        raise InvalidRequest(field, "must be a day or a moment, like 2026-11-22 or 2026-11-22T09:30:00Z.")
    return moment
