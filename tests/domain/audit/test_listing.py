"""Acts come newest first, a page at a time, from however many shards, and a page looks at so many and no more."""

import random
from datetime import timedelta

import pytest

from handlers.domain.audit.act import Act, Action, SealedAct
from handlers.domain.audit.listing import ACTS_PER_READ, MAX_READS, Filters, list_acts, position
from handlers.domain.errors import InvalidRequest
from handlers.domain.paging import Page
from tests.builders import GROUP_ID, NOW, WORKSPACE, an_act, an_id
from tests.fakes.audit import InMemoryAuditLog


def a_log(*acts: Act) -> InMemoryAuditLog:
    log = InMemoryAuditLog()
    log.sealed += map(SealedAct, acts)
    return log


def listed(filters: Filters, page: Page, log: InMemoryAuditLog) -> tuple[list[Act], str | None]:
    found, after = list_acts(WORKSPACE, filters, page, log)
    return [each.act for each in found], after


def acts(count: int) -> list[Act]:
    """In no order, some of them of one millisecond."""
    shuffled = random.Random(count).sample(range(count), count)
    return [an_act(id=an_id(n), at=NOW - timedelta(milliseconds=n // 3), by=f"user-{n % 7}") for n in shuffled]


def all_pages(log: InMemoryAuditLog, filters: Filters, size: int) -> list[list[Act]]:
    pages, after = [], None
    while True:
        found, after = listed(filters, Page(size, after), log)
        pages.append(found)
        if after is None:
            return pages


@pytest.mark.parametrize("size", [1, 2, 7, 50, 100])
@pytest.mark.parametrize("count", [0, 1, 2, 49, 50, 51, 100])
def test_pages_hold_every_act_once_in_order(count: int, size: int) -> None:
    log = a_log(*acts(count))
    pages = all_pages(log, Filters(), size)
    assert [act for page in pages for act in page] == [each.act for each in sorted(log.sealed, key=position)][::-1]
    assert all(len(page) == size for page in pages[:-1])


def test_a_page_is_two_reads_where_all_acts_match() -> None:
    log = a_log(*acts(200))
    listed(Filters(), Page(50), log)
    assert log.reads == log.shards


def test_a_page_of_few_that_match_looks_at_so_many_and_goes_on_where_it_stopped() -> None:
    log = a_log(*acts(2 * MAX_READS * ACTS_PER_READ), an_act(at=NOW - timedelta(days=1), by="rare"))
    found, after = listed(Filters(by="rare"), Page(50), log)
    assert (found, log.reads) == ([], MAX_READS)
    assert after is not None
    assert [act.by for page in all_pages(log, Filters(by="rare"), 50) for act in page] == ["rare"]


def test_what_matches_is_shown_before_the_list_was_looked_at_to_its_end() -> None:
    log = a_log(*acts(5000))
    found, after = listed(Filters(by="user-3"), Page(20), log)
    assert [act.by for act in found] == ["user-3"] * 20
    assert after == position(SealedAct(found[-1]))
    assert log.reads == log.shards


FILTERED = {
    "by": (Filters(by="bob"), an_act(id=an_id(1), by="bob")),
    "action": (Filters(action=Action.CANCEL), an_act(id=an_id(1), action="cancel")),
    "the run it was done to": (Filters(run_id=an_id(8)), an_act(id=an_id(1), run_id=an_id(8))),
    "the run it started": (Filters(run_id=an_id(8)), an_act(id=an_id(1), job_id=an_id(8))),
    "batch": (Filters(batch_id=an_id(8)), an_act(id=an_id(1), batch_id=an_id(8))),
    "trigger": (Filters(trigger_id=an_id(8)), an_act(id=an_id(1), trigger_id=an_id(8))),
    "experiment": (Filters(experiment_id=an_id(8)), an_act(id=an_id(1), experiment_id=an_id(8))),
    "error group": (Filters(error_group_id=GROUP_ID), an_act(id=an_id(1), error_group_id=GROUP_ID)),
    "from": (Filters(since=NOW + timedelta(hours=1)), an_act(id=an_id(1), at=NOW + timedelta(hours=1))),
    "to": (Filters(until=NOW - timedelta(hours=1)), an_act(id=an_id(1), at=NOW - timedelta(hours=1))),
    "several": (
        Filters(by="bob", action=Action.EXECUTE),
        an_act(id=an_id(1), by="bob", action="execute"),
    ),
}


@pytest.mark.parametrize("name", FILTERED)
def test_a_filter_leaves_out_what_does_not_match(name: str) -> None:
    filters, wanted = FILTERED[name]
    others = [an_act(id=an_id(2)), an_act(id=an_id(3), by="carol", action="reveal"), an_act(id=an_id(4))]
    assert listed(filters, Page(), a_log(others[0], wanted, *others[1:])) == ([wanted], None)


def test_acts_of_another_workspace_are_not_there() -> None:
    assert listed(Filters(), Page(), a_log(an_act(workspace="globex"))) == ([], None)


class TestQuery:
    def test_every_filter_is_read(self) -> None:
        query = {
            "from": "2026-11-22",
            "to": "2026-11-22T09:30:00Z",
            "by": "alice",
            "action": "delete-trigger",
            "runId": an_id(1),
            "triggerId": an_id(2),
            "experimentId": an_id(3),
            "errorGroupId": GROUP_ID.upper(),
            "limit": "10",
        }
        assert Filters.from_query(query) == Filters(
            since=NOW.replace(hour=0, minute=0),
            until=NOW,
            by="alice",
            action=Action.DELETE_TRIGGER,
            run_id=an_id(1),
            trigger_id=an_id(2),
            experiment_id=an_id(3),
            error_group_id=GROUP_ID,
        )

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("by", ""),
            ("by", "x" * 513),
            ("action", "retry"),
            ("runId", "x"),
            ("triggerId", ""),
            ("errorGroupId", an_id(1)),
            ("from", "yesterday"),
            ("to", "1"),
        ],
    )
    def test_what_cannot_be_read_is_refused_by_its_name(self, name: str, value: str) -> None:
        with pytest.raises(InvalidRequest) as refused:
            Filters.from_query({name: value})
        assert refused.value.field == name

    def test_an_end_before_the_beginning_is_refused(self) -> None:
        with pytest.raises(InvalidRequest, match="earlier"):
            Filters.from_query({"from": "2026-11-23", "to": "2026-11-22"})
