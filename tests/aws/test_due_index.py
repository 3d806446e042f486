"""No open run is ever without an entry in the due index at or before its deadline, whoever moves it in which order."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.aws import keys, run_items
from handlers.aws.run_recorder import RunRecorder
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.runs.run import FunctionRun, Status, new_token
from tests.aws.in_memory_table import InMemoryTable
from tests.builders import NOW, a_run

# Who acts may have read the run any number of moves ago.
ACTS = st.tuples(
    st.sampled_from(["claim", "give back", "take back", "leave", "end", "publish", "mark", "reschedule", "re-run"]),
    st.integers(0, 30),
    st.integers(-10_000, 10_000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
)


@pytest.fixture(autouse=True, scope="module")
def time_stands_still() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", lambda: NOW)
        yield


class NoParts:
    """All outcomes are without content."""


def a_store(run: FunctionRun) -> tuple[RunRecorder, InMemoryTable]:
    table = InMemoryTable()
    table.put(run_items.of_run(run))
    return RunRecorder(table, cast("Any", NoParts()), lambda _: None, max_reruns=10), table


def moved(act: str, run: FunctionRun, deadline: datetime) -> FunctionRun | None:  # noqa: PLR0911
    """The run after that act; None if who has read it so would not do that."""
    token, open_again = run.claim_token, {"status": Status.PENDING, "claim_token": None, "deadline": deadline}
    match act:
        case "claim" if run.status.is_open:
            return run.moved(status=Status.RUNNING, claim_token=new_token(), deadline=deadline)
        case "give back" | "take back" if run.status.is_open:
            return run.moved(**open_again)
        case "leave" if token:
            return run.moved(error_code="OutcomeUnknown")
        case "end" if run.status.is_open:
            ended = {"status": Status.FAILURE, "claim_token": None, "event_pending": True, "deadline": deadline}
            return run.moved(**ended)
        case "publish" if run.event_pending:
            return run.moved(event_pending=False, deadline=None)
        case "mark" if run.status is Status.RUNNING:
            return run.evolve(cancel_requested_at=deadline, cancel_requested_by="bob")
    return None


@settings(max_examples=300, deadline=None)
@given(acts=st.lists(ACTS, max_size=12), first=st.integers(1, 10_000))
def test_no_run_is_looked_at_later_than_its_deadline(acts: list[tuple[str, int, datetime]], first: int) -> None:
    run = a_run(status="pending", deadline=NOW + timedelta(minutes=first))
    runs, table = a_store(run)
    seen = [run]
    for act, ago, deadline in acts:
        before = seen[-1 - ago % len(seen)]
        if act == "reschedule" and before.deadline is not None:
            runs.reschedule(before)
        elif act == "re-run":
            table.items[keys.pair(keys.run(run.id))]["reruns"] = {"N": "1"}
        elif (after := moved(act, before, deadline)) is not None:
            runs.transition(before, after)
        found = runs.read_run(run.id)
        assert found is not None
        seen.append(found)
        item = table.items[keys.pair(keys.run(run.id))]
        assert (found.deadline is None) == ("due" not in item) == ("dueAt" not in item)
        assert found.deadline is not None or not (found.status.is_open or found.event_pending)
        if found.deadline is not None:
            assert item["due"]["S"] == f"OPEN#{run_items.shard(run.id)}"
            assert item["dueAt"]["S"] <= iso(found.deadline)


def test_a_run_that_is_executed_at_once_is_put_there_once_and_taken_away_once() -> None:
    run = a_run(status="pending", deadline=NOW + timedelta(minutes=1))
    runs, table = a_store(run)
    key = keys.pair(keys.run(run.id))
    at = table.items[key]["dueAt"]
    claimed = run.moved(status=Status.RUNNING, claim_token="a", deadline=NOW + timedelta(minutes=16))
    assert runs.transition(run, claimed)
    assert table.items[key]["dueAt"] == at
    ended = claimed.moved(
        status=Status.COMPLETED, claim_token=None, event_pending=True, deadline=NOW + timedelta(minutes=2)
    )
    assert runs.transition(claimed, ended)
    assert table.items[key]["dueAt"] == at
    assert runs.transition(ended, ended.moved(event_pending=False, deadline=None))
    assert "dueAt" not in table.items[key]


@pytest.mark.parametrize("act", ["take back", "end"])
def test_a_run_that_was_overdue_is_looked_at_again_at_its_new_deadline_and_not_before(act: str) -> None:
    run = a_run(status="running", claim_token="a", deadline=NOW - timedelta(minutes=1))
    runs, table = a_store(run)
    later = moved(act, run, NOW + timedelta(minutes=15))
    assert later is not None
    assert later.deadline is not None
    assert runs.transition(run, later)
    assert table.items[keys.pair(keys.run(run.id))]["dueAt"]["S"] == iso(later.deadline)


def test_a_late_claim_stays_where_it_is() -> None:
    run = a_run(status="pending", deadline=NOW - timedelta(minutes=1))
    runs, table = a_store(run)
    before = table.items[keys.pair(keys.run(run.id))]["dueAt"]
    assert runs.transition(run, run.moved(status=Status.RUNNING, claim_token="a", deadline=NOW + timedelta(minutes=15)))
    assert table.items[keys.pair(keys.run(run.id))]["dueAt"] == before
