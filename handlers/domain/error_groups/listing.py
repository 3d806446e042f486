"""List the error groups of a workspace, each with what is counted of its failures in a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.error_groups.group import NOTED_EVERY, Counts, ErrorGroup, GroupCounts, GroupState, GroupStore
from handlers.domain.errors import NotFound
from handlers.domain.ids import parse_group_id
from handlers.domain.paging import Page
from handlers.domain.query import Query, Reader, an_id, moment, one_of, read_filters

DEFAULT_SPAN = timedelta(hours=24)
# A page looks at so many groups at most, which are small, and counts the failures of as many as it may hold, for so
# long: of a group there are ten thousand to be counted, twice.
MAX_READS = 10
GROUPS_PER_READ = 100
MAX_COUNTING = timedelta(seconds=10)
# A failure waits as long as its event for being noted.
_NOTED_WITHIN = NOTED_EVERY + timedelta(days=1)


class Period(NamedTuple):
    """Of the creation of runs, inclusive."""

    since: datetime
    until: datetime

    @classmethod
    def from_query(cls, query: Query) -> "Period":
        """Of a query's `from` and `to`: the last 24 hours before `to`, or before now. Raises InvalidRequest."""
        read = read_filters(query, _MOMENTS)
        until: datetime = read.get("until") or clock.now()
        return cls(read.get("since") or _a_span_before(until), until)

    def includes(self, moment: datetime) -> bool:
        return self.since <= moment <= self.until


def _a_span_before(moment: datetime) -> datetime:
    """There is a first moment that can be written, and it can be asked for."""
    first = datetime.min.replace(tzinfo=UTC)
    return moment - DEFAULT_SPAN if moment - first > DEFAULT_SPAN else first


class Filters(NamedTuple):
    period: Period
    function_id: str | None = None
    state: GroupState | None = None

    @classmethod
    def from_query(cls, query: Query) -> "Filters":
        """Raises InvalidRequest naming the parameter."""
        return cls(Period.from_query(query), **read_filters(query, _READERS))

    def may_match(self, group: ErrorGroup) -> bool:
        """Whether it has to be counted to see if it has failed in the time."""
        may_have_failed = group.last_failure_at + _NOTED_WITHIN >= self.period.since
        return (may_have_failed or self.period.includes(group.opened_at)) and self.state in (None, group.state)


class CountedGroup(NamedTuple):
    group: ErrorGroup
    counts: Counts

    @property
    def sample_run_id(self) -> str:
        return self.counts.sample_run_id or self.group.sample_run_id


def find_group(workspace: str, group_id: str, groups: GroupStore) -> ErrorGroup:
    """The workspace's group. Raises NotFound or Unavailable."""
    known = parse_group_id(group_id)
    group = groups.read(workspace, known) if known else None
    if group is None:
        raise NotFound("Error group")
    return group


def count_group(group: ErrorGroup, period: Period, counts: GroupCounts) -> CountedGroup:
    """Raises Unavailable."""
    return CountedGroup(group, counts.count(group.workspace, group.id, *period))


def list_groups(
    workspace: str, filters: Filters, page: Page, groups: GroupStore, counts: GroupCounts
) -> tuple[list[CountedGroup], str | None]:
    """A page of the groups with a failure in the time, or opened in it, and the position to go on from.

    What was opened just now by a run that was created long ago has no other failure yet. Raises Unavailable.

    Where few groups match, the page may be short, or empty, and still have a next one.
    """
    found: list[CountedGroup] = []
    stops_at = clock.now() + MAX_COUNTING
    walk = _walk(workspace, filters, page.after, groups)
    for number, (group, position) in enumerate(walk, 1):
        if group is None:
            return found, position
        one = count_group(group, filters.period, counts)
        found += [one] if one.counts.failures or filters.period.includes(group.opened_at) else []
        if number == page.size or clock.now() >= stops_at:
            break
    return found, position


def _walk(
    workspace: str, filters: Filters, after: str | None, groups: GroupStore
) -> Iterator[tuple[ErrorGroup | None, str | None]]:
    """The groups that may match, each with the position to go on from after it; at last that of what was looked at."""
    for _ in range(MAX_READS):
        read, after = groups.list(workspace, filters.function_id, Page(GROUPS_PER_READ, after))
        for number, group in enumerate(read, 1):
            if filters.may_match(group):
                yield group, group.position if number < len(read) else after
        if after is None:
            break
    yield None, after


_READERS: dict[str, Reader] = {"functionId": an_id, "state": one_of(GroupState)}
_MOMENTS: dict[str, Reader] = {"from": moment, "to": moment}
