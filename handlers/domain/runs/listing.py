"""List the runs of a workspace, newest first."""

from collections.abc import Callable, Iterator
from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Any, NamedTuple, Protocol

from pydantic.alias_generators import to_snake

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import required_id
from handlers.domain.paging import Page, position_of
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Status

# Where a filter matches few runs, a page is cut short rather than read on: this many runs are looked at for each one
# asked for, at most.
LOOKS_PER_RUN = 5
# Of who re-ran a run, an error code or a version.
MAX_TEXT = 512


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
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def from_query(cls, query: dict[str, str]) -> "Filters":
        """Raises InvalidRequest naming the parameter."""
        unknown = query.keys() - {*_READERS, "limit", "cursor"}
        if unknown:
            raise InvalidRequest(min(unknown)[:100], "is not a filter of this list.")
        read = {name: reader(query[name], name) for name, reader in _READERS.items() if name in query}
        filters = cls(**{_MOMENTS.get(name) or to_snake(name): value for name, value in read.items()})
        if filters.since and filters.until and filters.until < filters.since:
            raise InvalidRequest("to", "is earlier than from.")
        return filters

    def match(self, run: FunctionRun) -> bool:
        """Whether it is as asked for, whatever its time: that is the index's matter."""
        asked = {name: value for name, value in self._asdict().items() if name not in _MOMENTS.values()}
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
        found += filter(filters.match, runs.read_many([entry.run_id for entry in looked_at]))
        position = looked_at[-1].position if len(looked_at) == page.size else None
        if position is None or len(found) >= page.size:
            break
    if len(found) > page.size:
        found = found[: page.size]
        position = position_of(found[-1].created_at, found[-1].id)
    return found, position


def _one_of(names: type[StrEnum]) -> Callable[[str, str], StrEnum]:
    def read(text: str, field: str) -> StrEnum:
        try:
            return names(text)
        except ValueError:
            raise InvalidRequest(field, f"must be one of {', '.join(names)}.") from None

    return read


def _id(text: str, field: str) -> str:
    return required_id(text, field=field)


def _flag(text: str, field: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidRequest(field, "must be true or false.")
    return text == "true"


def _text(text: str, field: str) -> str:
    if not 1 <= len(text) <= MAX_TEXT:
        raise InvalidRequest(field, f"must have 1 to {MAX_TEXT} characters.")
    return text


def _moment(text: str, field: str) -> datetime:
    moment = clock.moment_of(text, or_day=True)
    if moment is None:
        raise InvalidRequest(field, "must be a day or a moment, like 2026-11-22 or 2026-11-22T09:30:00Z.")
    return moment


_READERS: dict[str, Callable[[str, str], Any]] = {
    "status": _one_of(Status),
    "functionId": _id,
    "triggerId": _id,
    "recovered": _flag,
    "isRerun": _flag,
    "rerunBy": _text,
    "executionSource": _one_of(ExecutionSource),
    "errorCode": _text,
    "functionVersion": _text,
    "from": _moment,
    "to": _moment,
}
_MOMENTS = {"from": "since", "to": "until"}
