"""The store of error groups, and what is counted of their runs."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from handlers.aws.audit_log import AuditLog
from handlers.aws.error_groups import GroupCounts, GroupStore
from handlers.aws.table import Table
from handlers.domain import clock
from handlers.domain.audit.listing import Filters, list_acts
from handlers.domain.error_groups import group as ports
from handlers.domain.error_groups.group import Counts, ErrorGroup, GroupState
from handlers.domain.paging import Page
from handlers.domain.runs.run import FunctionRun
from tests.aws.storing import new_run
from tests.builders import a_group, a_rerun, an_act, an_id
from tests.contracts.conftest import FAKE
from tests.fakes.groups import InMemoryGroups
from tests.fakes.stores import InMemoryRuns

AT = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


class Stores(NamedTuple):
    groups: ports.GroupStore
    counts: ports.GroupCounts
    runs: Any
    """In memory or in the table."""
    acts: Any


@pytest.fixture
def stores(request: pytest.FixtureRequest, implementation: str) -> Stores:
    if implementation == FAKE:
        runs = InMemoryRuns()
        groups = InMemoryGroups(runs)
        return Stores(groups, groups, runs, None)
    table: Table = request.getfixturevalue("table")
    store = GroupStore(table, report=lambda _: None)
    runs_in_the_table = request.getfixturevalue("runs_in_the_table")
    return Stores(store, GroupCounts(table), runs_in_the_table, AuditLog(table, report=lambda _: None))


def a_new_group(**changes: Any) -> ErrorGroup:
    """Of a workspace of its own."""
    at = clock.now().replace(microsecond=0)
    literals = {"workspace": f"ws-{uuid4().hex[:8]}", "opened_at": at, "expires_at": at + timedelta(days=91)}
    return a_group(**literals | changes)


FULL: dict[str, Any] = {
    "state": "resolved",
    "version": 4,
    "reopened": 2,
    "resolved_in_version": "9",
    "changed_at": AT,
    "changed_by": "alice",
    "function_versions": ("$LATEST", "8", "7"),
    "publishing": an_id(3),
}


@pytest.mark.parametrize("changes", [{}, FULL, {"function_versions": ()}], ids=["new", "full", "no version"])
def test_a_group_is_read_as_it_was_created(stores: Stores, changes: dict[str, Any]) -> None:
    group = a_new_group(**changes)
    assert stores.groups.create(group)
    assert stores.groups.read(group.workspace, group.id) == group
    assert stores.groups.read(group.workspace, "ff" * 16) is None
    assert stores.groups.read("another", group.id) is None


def test_of_many_at_once_one_creates_the_group(stores: Stores) -> None:
    groups = [a_new_group(workspace="ws-one-" + uuid4().hex[:4], publishing=an_id(number)) for number in range(16)]
    groups = [group.evolve(workspace=groups[0].workspace) for group in groups]
    with ThreadPoolExecutor(8) as callers:
        created = list(callers.map(stores.groups.create, groups))
    assert created.count(True) == 1
    assert stores.groups.read(groups[0].workspace, groups[0].id) == groups[created.index(True)]


def test_a_group_that_has_expired_is_as_good_as_gone_and_created_anew(stores: Stores) -> None:
    expired = a_new_group(**FULL, expires_at=clock.now() - timedelta(seconds=2))
    assert stores.groups.create(expired)
    assert stores.groups.read(expired.workspace, expired.id) is None
    new = a_new_group(workspace=expired.workspace)
    assert stores.groups.create(new)
    assert stores.groups.read(new.workspace, new.id) == new


def test_what_differs_is_stored_and_nothing_else(stores: Stores) -> None:
    group = a_new_group(**FULL)
    stores.groups.create(group)
    published = group.evolve(publishing=None)
    assert stores.groups.replace(group, published)
    # Both have read it before the other has written: what one does not change, it leaves alone.
    with_version = published.evolve(function_versions=("9", *group.function_versions))
    reopened = published.evolve(state=GroupState.OPEN, version=5, resolved_in_version=None, publishing=an_id(4))
    assert stores.groups.replace(published, with_version)
    assert stores.groups.replace(published, reopened)
    found = stores.groups.read(group.workspace, group.id)
    assert found == reopened.evolve(function_versions=with_version.function_versions)


@pytest.mark.parametrize(
    "changed",
    [{"version": 2}, {"publishing": None}, {"publishing": an_id(5)}],
    ids=["its state", "it is published", "another publishes it"],
)
def test_what_has_changed_since_it_was_read_is_not_replaced(stores: Stores, changed: dict[str, Any]) -> None:
    group = a_new_group(publishing=an_id(4))
    stores.groups.create(group)
    now = group.evolve(**changed)
    assert stores.groups.replace(group, now)
    assert not stores.groups.replace(group, group.evolve(state=GroupState.IGNORED, version=2), an_act())
    assert stores.groups.read(group.workspace, group.id) == now


def test_a_group_that_is_not_there_is_not_replaced(stores: Stores) -> None:
    group = a_new_group()
    assert not stores.groups.replace(group, group.evolve(state=GroupState.IGNORED, version=2))
    assert stores.groups.read(group.workspace, group.id) is None


def test_of_many_failures_at_once_one_reopens_a_group(stores: Stores) -> None:
    group = a_new_group(**FULL | {"publishing": None})
    stores.groups.create(group)
    after = [group.evolve(state=GroupState.OPEN, version=5, publishing=an_id(number)) for number in range(16)]
    with ThreadPoolExecutor(8) as callers:
        replaced = list(callers.map(lambda each: stores.groups.replace(group, each), after))
    assert replaced.count(True) == 1
    assert stores.groups.read(group.workspace, group.id) == after[replaced.index(True)]


def test_who_changes_a_group_leaves_an_act_and_who_is_refused_leaves_none(stores: Stores) -> None:
    group = a_new_group()
    stores.groups.create(group)
    changed = group.evolve(state=GroupState.IGNORED, version=2)
    expiry = clock.now().replace(microsecond=0) + timedelta(days=400)
    acts = [an_act(id=str(uuid4()), at=clock.now(), workspace=group.workspace, expires_at=expiry) for _ in range(2)]
    assert stores.groups.replace(group, changed, acts[0])
    assert not stores.groups.replace(group, changed, acts[1])
    if stores.acts is None:
        assert [each.act for each in stores.runs.acts] == acts[:1]
    else:
        found, _ = list_acts(group.workspace, Filters(), Page(9), stores.acts)
        assert [each.act for each in found] == acts[:1]


def test_groups_are_listed_the_newest_opened_first_of_the_workspace_or_of_one_function(stores: Stores) -> None:
    workspace = a_new_group().workspace
    groups = [
        a_new_group(
            workspace=workspace,
            id=f"{number:032x}",
            function_id=an_id(number % 2),
            opened_at=AT + timedelta(minutes=number // 2),
            expires_at=clock.now().replace(microsecond=0) + timedelta(days=9),
        )
        for number in range(5)
    ]
    for group in groups:
        assert stores.groups.create(group)
    stores.groups.create(a_new_group())
    listed, position = [], None
    for _ in range(3):
        page, position = stores.groups.list(workspace, None, Page(2, position))
        listed += page
    assert (listed, position) == (groups[::-1], None)
    assert stores.groups.list(workspace, an_id(0), Page(2)) == ([groups[4], groups[2]], groups[2].position)
    assert stores.groups.list(workspace, an_id(0), Page(2, groups[2].position)) == ([groups[0]], None)
    reopened = groups[0].evolve(version=2, opened_at=AT + timedelta(hours=9))
    assert stores.groups.replace(groups[0], reopened)
    assert stores.groups.list(workspace, an_id(0), Page(1)) == ([reopened], reopened.position)


def a_failure(stores: Stores, group: ErrorGroup, minutes: float, *, rerun_of: FunctionRun | None = None) -> FunctionRun:
    created_at = AT + timedelta(minutes=minutes)
    literals = {"id": str(uuid4()), "workspace": group.workspace, "created_at": created_at, "deadline": None}
    literals |= {"status": "failure", "error_group_id": group.id, "expires_at": clock.now() + timedelta(days=30)}
    run = new_run(**literals) if rerun_of is None else a_rerun(rerun_of, **literals)
    record = stores.runs.record if rerun_of is None else stores.runs.record_rerun
    assert record(run, {})
    return run


def test_failures_are_counted_in_a_time_with_those_not_recovered_and_by_hour(stores: Stores) -> None:
    group = a_new_group()
    originals = [a_failure(stores, group, minutes) for minutes in (0, 10, 29.99, 30, 95)]
    rerun = a_failure(stores, group, 96, rerun_of=originals[0])
    a_failure(stores, group.evolve(id="ee" * 16), 20)
    a_failure(stores, a_new_group(), 20)
    whole = stores.counts.count(group.workspace, group.id, AT, AT + timedelta(hours=5))
    assert whole == Counts(
        failures=6,
        unrecovered=5,
        hours=((AT.replace(minute=0), 3), (AT.replace(hour=10, minute=0), 1), (AT.replace(hour=11, minute=0), 2)),
        last_seen_at=AT + timedelta(minutes=96),
        sample_run_id=originals[4].id,
    )
    for original in originals[3:]:
        recovering = a_rerun(original, id=str(uuid4()), workspace=group.workspace, deadline=None)
        stores.runs.mark_recovered(recovering)
    part = stores.counts.count(group.workspace, group.id, AT + timedelta(minutes=10), AT + timedelta(minutes=96))
    assert (part.failures, part.unrecovered, part.sample_run_id) == (5, 2, originals[2].id)
    none_left = stores.counts.count(group.workspace, group.id, AT + timedelta(minutes=30), AT + timedelta(minutes=96))
    assert (none_left.failures, none_left.unrecovered, none_left.sample_run_id) == (3, 0, rerun.id)


def test_of_no_failures_there_is_nothing_to_count(stores: Stores) -> None:
    group = a_new_group()
    assert stores.counts.count(group.workspace, group.id, AT, AT + timedelta(hours=5)) == Counts()
    a_failure(stores, group, 1)
    assert stores.counts.count(group.workspace, group.id, AT + timedelta(hours=5), AT) == Counts()


def test_what_is_beyond_the_most_that_is_counted_is_said_to_be_there(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.aws.error_groups._ENTRIES_PER_SHARD", 1)
    monkeypatch.setattr("tests.fakes.groups.MAX_COUNTED", 4)
    group = a_new_group()
    for minutes in range(12):
        a_failure(stores, group, minutes)
    counts = stores.counts.count(group.workspace, group.id, AT, AT + timedelta(hours=1))
    assert (counts.failures_capped, counts.unrecovered_capped) == (True, True)
    assert 1 <= counts.failures == counts.unrecovered <= 4
    assert counts.last_seen_at == AT + timedelta(minutes=11)
