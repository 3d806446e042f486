"""A page of groups is those with a failure in the time; what it looks at, and how long it counts, has an end."""

from datetime import datetime, timedelta

import pytest

from handlers.domain import clock
from handlers.domain.error_groups import listing
from handlers.domain.error_groups.group import Counts, ErrorGroup, GroupState
from handlers.domain.error_groups.listing import Filters, Period, list_groups
from handlers.domain.errors import InvalidRequest
from handlers.domain.paging import Page
from tests.builders import NOW, WORKSPACE, a_group, a_rerun, a_run, an_id
from tests.fakes import World

DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
LAST_DAY = Period(NOW - DAY, NOW)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def counting(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the groups that were counted, and how long each took."""
    counted: list[str] = []
    count = world.groups.count

    def noted(workspace: str, group_id: str, since: datetime, until: datetime) -> Counts:
        counted.append(group_id)
        return count(workspace, group_id, since, until)

    monkeypatch.setattr(world.groups, "count", noted)
    return counted


def group_id(number: int) -> str:
    return f"{number:032x}"


def has_group(world: World, number: int, *, failed_at: datetime | None = NOW, **changes: object) -> ErrorGroup:
    """The lower the number, the newer; with one failure, unless it has none any more."""
    group = a_group(
        **{"id": group_id(number), "opened_at": NOW - 30 * DAY - number * MINUTE, "last_failure_at": NOW} | changes
    )
    world.groups.groups[group.workspace, group.id] = group
    if failed_at is not None:
        failed = {"status": "failure", "error_group_id": group.id}
        world.has_run(a_run(id=an_id(number), workspace=group.workspace, created_at=failed_at, **failed))
    return group


def listed(world: World, filters: Filters, page: Page = Page()) -> tuple[list[int], str | None]:  # noqa: B008
    found, position = list_groups(WORKSPACE, filters, page, world.groups, world.groups)
    return [int(each.group.id, 16) for each in found], position


def pages(world: World, filters: Filters, size: int) -> list[list[int]]:
    found, after = listed(world, filters, Page(size))
    all_pages = [found]
    while after is not None:
        found, after = listed(world, filters, Page(size, after))
        all_pages.append(found)
    return all_pages


@pytest.mark.usefixtures("at")
class TestList:
    def test_each_group_is_counted_newest_opened_first(self, world: World) -> None:
        for number in (2, 1, 3):
            has_group(world, number)
        again = a_rerun(world.run(an_id(2)), id=an_id(9), created_at=NOW, status="timeout", error_group_id=group_id(2))
        world.runs.record_rerun(again, {})
        found, position = list_groups(WORKSPACE, Filters(LAST_DAY), Page(), world.groups, world.groups)
        assert [int(each.group.id, 16) for each in found] == [1, 2, 3]
        assert [each.counts.failures for each in found] == [1, 2, 1]
        assert [each.counts.unrecovered for each in found] == [1, 1, 1]
        assert position is None

    def test_those_without_a_failure_in_the_time_are_left_out(self, world: World) -> None:
        has_group(world, 1, failed_at=NOW - DAY)
        has_group(world, 2, failed_at=NOW - DAY - MINUTE)
        has_group(world, 3, failed_at=NOW + MINUTE)
        has_group(world, 4, failed_at=None)
        assert listed(world, Filters(LAST_DAY)) == ([1], None)
        assert listed(world, Filters(Period(NOW - 2 * DAY, NOW + DAY))) == ([1, 2, 3], None)

    def test_each_filter_leaves_out_what_does_not_match(self, world: World) -> None:
        has_group(world, 1, state="resolved")
        has_group(world, 2, function_id=an_id(77))
        has_group(world, 3, workspace="globex")
        assert listed(world, Filters(LAST_DAY)) == ([1, 2], None)
        assert listed(world, Filters(LAST_DAY, state=GroupState.RESOLVED)) == ([1], None)
        assert listed(world, Filters(LAST_DAY, function_id=an_id(77))) == ([2], None)
        assert listed(world, Filters(LAST_DAY, function_id=an_id(77), state=GroupState.RESOLVED)) == ([], None)

    @pytest.mark.parametrize("size", [1, 3, 50, 100])
    def test_pages_hold_each_group_once(self, world: World, size: int) -> None:
        for number in range(120):
            has_group(world, number, failed_at=None if number % 3 == 1 else NOW)
        found = pages(world, Filters(LAST_DAY), size)
        assert [number for page in found for number in page] == [n for n in range(120) if n % 3 != 1]
        assert all(len(page) <= size for page in found)

    def test_a_page_counts_as_many_as_it_may_hold(self, world: World, counting: list[str]) -> None:
        for number in range(30):
            has_group(world, number, failed_at=None if number < 10 else NOW)
        first, after = listed(world, Filters(LAST_DAY), Page(10))
        assert (first, len(counting)) == ([], 10)
        second, _ = listed(world, Filters(LAST_DAY), Page(10, after))
        assert (second, len(counting)) == ([*range(10, 20)], 20)

    def test_what_does_not_match_or_has_long_been_quiet_is_not_counted(self, world: World, counting: list[str]) -> None:
        has_group(world, 1, failed_at=None, last_failure_at=NOW - 3 * DAY - MINUTE)
        has_group(world, 2, last_failure_at=NOW - 3 * DAY)
        has_group(world, 3, last_failure_at=NOW, state="ignored")
        has_group(world, 4, last_failure_at=NOW - DAY)
        assert listed(world, Filters(LAST_DAY, state=GroupState.OPEN)) == ([2, 4], None)
        assert counting == [group_id(2), group_id(4)]

    def test_of_thousands_a_page_looks_at_so_many_and_says_where_to_go_on(
        self, world: World, counting: list[str]
    ) -> None:
        looked_at = listing.MAX_READS * listing.GROUPS_PER_READ
        for number in range(looked_at + 200):
            has_group(world, number, failed_at=None, last_failure_at=NOW - 9 * DAY)
        has_group(world, looked_at + 50)
        first, after = listed(world, Filters(LAST_DAY))
        assert (first, counting) == ([], [])
        assert after is not None
        assert after.endswith(group_id(looked_at - 1))
        assert listed(world, Filters(LAST_DAY), Page(50, after)) == ([looked_at + 50], None)


def test_a_page_ends_where_its_counting_has_taken_too_long(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(9):
        has_group(world, number)
    now, count = [NOW], world.groups.count

    def slow(workspace: str, group_id: str, since: datetime, until: datetime) -> Counts:
        now[0] += timedelta(seconds=4)
        return count(workspace, group_id, since, until)

    monkeypatch.setattr(clock, "now", lambda: now[0])
    monkeypatch.setattr(world.groups, "count", slow)
    assert pages(world, Filters(LAST_DAY), 50) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


@pytest.mark.usefixtures("at")
class TestQuery:
    def test_every_filter_is_read(self) -> None:
        query = {"functionId": an_id(1), "state": "ignored", "from": "2026-11-22", "to": "2026-11-22T09:00:00Z"}
        period = Period(NOW.replace(hour=0, minute=0), NOW.replace(minute=0))
        assert Filters.from_query(query) == Filters(period, an_id(1), GroupState.IGNORED)

    def test_without_a_beginning_it_is_24_hours(self) -> None:
        assert Filters.from_query({}) == Filters(LAST_DAY)
        assert Period.from_query({"to": "2026-11-20"}) == Period(
            NOW.replace(day=19, hour=0, minute=0), NOW.replace(day=20, hour=0, minute=0)
        )
        assert Period.from_query({"from": "2026-11-01"}).until == NOW

    @pytest.mark.parametrize(
        "query",
        [{"functionId": "x"}, {"state": "closed"}, {"from": "yesterday"}, {"to": "2026-11-01", "from": "2026-11-02"}],
        ids=str,
    )
    def test_what_cannot_be_read_is_refused_by_its_name(self, query: dict[str, str]) -> None:
        with pytest.raises(InvalidRequest) as refused:
            Filters.from_query(query)
        assert refused.value.field == next(iter(query))


def test_a_group_is_listed_as_it_is_opened_however_old_the_run_is_that_has_opened_it(world: World) -> None:
    has_group(world, 1, failed_at=NOW - 3 * DAY, opened_at=NOW - MINUTE)
    has_group(world, 2, failed_at=NOW - 3 * DAY, opened_at=NOW - 2 * DAY)
    assert listed(world, Filters(LAST_DAY))[0] == [1]


def test_the_day_before_the_first_moment_begins_with_that_moment() -> None:
    first = Period.from_query({"to": "0001-01-01"})
    assert first.since == first.until
    assert Period.from_query({"to": "9999-12-31T23:59:59Z"}).since.isoformat() == "9999-12-30T23:59:59+00:00"
    assert Period.from_query({"from": "9999-12-31"}).since.year == 9999
