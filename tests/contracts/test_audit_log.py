"""The audit log: what was written is read, newest first, by what is asked for."""

from datetime import timedelta
from typing import Protocol
from uuid import uuid4

import pytest

from handlers.domain import clock
from handlers.domain.audit.act import Act, ActWriter
from handlers.domain.audit.listing import AuditLog, Filters, list_acts
from handlers.domain.paging import Page
from tests.builders import GROUP_ID, an_act, an_id
from tests.contracts.conftest import FAKE
from tests.fakes.audit import InMemoryAuditLog, matches

MINUTE = timedelta(minutes=1)
EXPIRY = clock.now().replace(microsecond=0) + timedelta(days=400)


class WrittenLog(AuditLog, ActWriter, Protocol):
    """Both of its ports."""


@pytest.fixture
def log(request: pytest.FixtureRequest, implementation: str) -> WrittenLog:
    found: WrittenLog = InMemoryAuditLog() if implementation == FAKE else request.getfixturevalue("audit_log_in_table")
    return found


@pytest.fixture
def workspace() -> str:
    return f"ws-{uuid4().hex[:8]}"


def written(log: WrittenLog, workspace: str, **changes: object) -> Act:
    act = an_act(**{"id": str(uuid4()), "at": clock.now(), "expires_at": EXPIRY, "workspace": workspace} | changes)
    log.write(act)
    return act


def listed(log: WrittenLog, workspace: str, filters: Filters, page: Page) -> tuple[list[Act], str | None]:
    found, after = list_acts(workspace, filters, page, log)
    return [each.act for each in found], after


def test_an_act_is_read_as_it_was_written(log: WrittenLog, workspace: str) -> None:
    full = written(
        log,
        workspace,
        job_id=an_id(1),
        with_run_id=an_id(5),
        trigger_id=an_id(2),
        function_id=an_id(3),
        experiment_id=an_id(4),
        batch_id=an_id(9),
        candidate_version="8",
        candidate_function_id=an_id(6),
        repeats=3,
        reason="Größe",
        parts=["parameters", "result"],
        use_latest_code=True,
        error_group_id=GROUP_ID,
        error_group_state="resolved",
        overridden=False,
    )
    least = written(log, workspace, run_id=None, request_id=None, at=full.at - MINUTE)
    assert listed(log, workspace, Filters(), Page()) == ([full, least], None)
    assert listed(log, f"{workspace}-2", Filters(), Page()) == ([], None)


def test_an_act_that_is_written_again_is_there_once(log: WrittenLog, workspace: str) -> None:
    act = written(log, workspace)
    log.write(act)
    assert listed(log, workspace, Filters(), Page())[0] == [act]


def test_pages_of_any_size_hold_all_acts_in_order(log: WrittenLog, workspace: str) -> None:
    at = clock.now()
    acts = [written(log, workspace, at=at - MINUTE * (n // 2), by=f"user-{n % 2}") for n in range(9)]
    in_order = sorted(acts, key=lambda act: (act.at, act.id), reverse=True)
    for size in (1, 4, 9):
        for filters in (Filters(), Filters(by="user-1")):
            found, after = listed(log, workspace, filters, Page(size))
            while after is not None:
                more, after = listed(log, workspace, filters, Page(size, after))
                found += more
            assert found == [act for act in in_order if matches(filters, act)], size


def test_each_filter_finds_its_acts(log: WrittenLog, workspace: str) -> None:
    at = clock.now()
    older = written(log, workspace, at=at - MINUTE, by="bob", action="execute", run_id=None, job_id=an_id(7))
    of_others = {"experiment_id": an_id(6), "batch_id": an_id(5), "error_group_id": GROUP_ID}
    newer = written(log, workspace, at=at, trigger_id=an_id(8), run_id=an_id(7), **of_others)
    for filters, found in {
        Filters(by="bob"): [older],
        Filters(action=newer.action): [newer],
        Filters(trigger_id=an_id(8)): [newer],
        Filters(experiment_id=an_id(6)): [newer],
        Filters(error_group_id=GROUP_ID): [newer],
        Filters(batch_id=an_id(5)): [newer],
        Filters(run_id=an_id(7)): [newer, older],
        Filters(since=at): [newer],
        Filters(until=at - MINUTE): [older],
        Filters(since=at - MINUTE, until=at): [newer, older],
        Filters(since=at + MINUTE): [],
        Filters(until=at - 2 * MINUTE): [],
        Filters(by="bob", trigger_id=an_id(8)): [],
    }.items():
        assert listed(log, workspace, filters, Page()) == (found, None), filters


def test_a_comparison_is_found_by_either_run(log: WrittenLog, workspace: str) -> None:
    act = written(log, workspace, at=clock.now(), action="compare", run_id=an_id(8), with_run_id=an_id(7))
    for run_id, found in {an_id(7): [act], an_id(8): [act], an_id(9): []}.items():
        assert listed(log, workspace, Filters(run_id=run_id), Page())[0] == found
