"""What is kept of batches of re-runs, in memory and in the table, and what a step reads of their sources."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from handlers.aws.batch_store import BatchStore as StoreOnTable
from handlers.domain.audit.act import Act, Action, SealedAct
from handlers.domain.audit.listing import AuditLog, Filters, list_acts
from handlers.domain.batches.batch import (
    Baseline,
    Batch,
    BatchState,
    Pace,
    Progress,
    Selection,
    StopReason,
    StopWhen,
)
from handlers.domain.batches.ports import BatchStore
from handlers.domain.paging import Page
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.starting.idempotency import AlreadyStarted, IdempotencyKey, SealedKey
from tests.aws.storing import new_run
from tests.builders import a_function, a_rerun
from tests.contracts.conftest import FAKE
from tests.contracts.test_runs import now
from tests.fakes.audit import InMemoryAuditLog
from tests.fakes.batches import InMemoryBatches
from tests.fakes.stores import InMemoryRuns


class Stores(NamedTuple):
    runs: Any
    """All that is kept of runs, in memory or in the table."""
    batches: BatchStore
    audit_log: AuditLog


@pytest.fixture
def stores(request: pytest.FixtureRequest, implementation: str) -> Stores:
    if implementation == FAKE:
        runs, log = InMemoryRuns(), InMemoryAuditLog()
        runs.acts = log.sealed
        return Stores(runs, InMemoryBatches(runs), log)
    on_table = StoreOnTable(request.getfixturevalue("table"), report=lambda _: None)
    return Stores(request.getfixturevalue("runs_in_the_table"), on_table, request.getfixturevalue("audit_log_in_table"))


def acts_on(stores: Stores, batch: Batch) -> list[Act]:
    found, _ = list_acts(batch.workspace, Filters(), Page(), stores.audit_log)
    return [each.act for each in found]


def a_workspace() -> str:
    return f"ws-{uuid4().hex[:8]}"


def a_batch(**changes: Any) -> Batch:
    literals: dict[str, Any] = {
        "id": str(uuid4()),
        "workspace": a_workspace(),
        "created_at": now(),
        "by": "alice",
        "selection": Selection(error_code="ValueError"),
        "state": BatchState.CANARY,
        "revision": "first",
        "expires_at": now() + timedelta(days=90),
    }
    return Batch.model_validate(literals | changes)


def a_full_batch() -> Batch:
    """Everything that a batch can have."""
    at = now()
    return a_batch(
        reason="the outage of tonight",
        selection=Selection(
            error_group_id="a" * 32,
            function_id=str(uuid4()),
            trigger_id=str(uuid4()),
            error_code="ValueError",
            function_version="7",
            since=at - timedelta(hours=1),
            until=at,
        ),
        function_version="8",
        effects="same",
        has_overrides=True,
        reveals=True,
        pace=Pace(start_per_second=0.1, max_per_second=99.5, double_every_seconds=7),
        stop_when=StopWhen(failure_rate=0.25, same_error_group=False, failures=3),
        not_before=at,
        paused_from=BatchState.RUNNING,
        stop_reason=StopReason(rule="failureRate", failed=1, ended=3),
        changed_at=at,
        changed_by="bob",
        cancels_open=True,
        ended_at=at,
        expected_sources=1000,
        expected_capped=True,
        progress=Progress(
            selected=9,
            started=5,
            completed=1,
            failed=1,
            cancelled=1,
            failed_by_group={"b" * 32: 1},
            refused={"FUNCTION_NOT_FOUND": 2},
            skipped={"recovered": 1, "limit": 1},
        ),
        baseline=Baseline(started=1, settled=1, failed=1),
        moved_at=at,
        cursor=f"2026-11-26T00:00:00.000Z#{uuid4()}",
        chosen=(str(uuid4()), str(uuid4())),
        open_runs=tuple(str(uuid4()) for _ in range(500)),
        ramp_began_at=at,
        paced_until=at,
        generation=3,
        step_token="token",
        step_until=at,
        due_at=at + timedelta(minutes=3),
    )


def an_act(batch: Batch) -> Act:
    return Act.done(Action.START_BATCH, "alice", batch.workspace, kept_for=timedelta(days=1), batch_id=batch.id)


def a_key(batch: Batch) -> SealedKey:
    return SealedKey(IdempotencyKey(batch.workspace, uuid4().hex * 2, b"digest"), b"sealed digest")


@pytest.mark.parametrize("batch", [a_batch(), a_full_batch()], ids=["new", "full"])
def test_a_batch_is_read_as_it_was_written(stores: Stores, batch: Batch) -> None:
    stores.batches.create(batch, [])
    assert stores.batches.read(batch.id) == batch


def test_what_is_not_there_is_none(stores: Stores) -> None:
    absent = str(uuid4())
    assert stores.batches.read(absent) is None
    assert stores.batches.run_ids(absent) == []
    assert stores.batches.sealed_overrides(absent) is None


def test_an_expired_batch_is_gone(stores: Stores) -> None:
    batch = a_batch(expires_at=now() - timedelta(seconds=2))
    stores.batches.create(batch, [])
    assert stores.batches.read(batch.id) is None


def test_sources_and_overrides_are_kept_beside_it(stores: Stores) -> None:
    batch = a_batch(selection=None, run_ids_count=500)
    sources = [str(uuid4()) for _ in range(500)]
    stores.batches.create(batch, sources, b"sealed" * 50_000)
    assert stores.batches.run_ids(batch.id) == sources
    assert stores.batches.sealed_overrides(batch.id) == b"sealed" * 50_000


def test_overrides_are_deleted_once_nothing_of_the_batch_is_left(stores: Stores) -> None:
    batch = a_batch(has_overrides=True)
    stores.batches.create(batch, [], b"sealed")
    ending = batch.evolve(state=BatchState.CANCELLED, open_runs=(str(uuid4()),), revision="cancelled")
    assert stores.batches.replace(batch, ending)
    assert stores.batches.sealed_overrides(batch.id) == b"sealed"
    assert stores.batches.replace(ending, ending.evolve(open_runs=(), revision="over"))
    assert stores.batches.sealed_overrides(batch.id) is None


def test_the_same_request_starts_one_batch_with_one_act(stores: Stores) -> None:
    batch = a_batch()
    key = a_key(batch)
    stores.batches.create(batch, [], key=key, act=SealedAct(an_act(batch)))
    another = a_batch(workspace=batch.workspace)
    with pytest.raises(AlreadyStarted) as already:
        stores.batches.create(another, [], key=key, act=SealedAct(an_act(another)))
    assert already.value.kept.started_id == batch.id
    assert already.value.kept.sealed_digest == b"sealed digest"
    assert stores.batches.read(another.id) is None
    assert [act.batch_id for act in acts_on(stores, batch)] == [batch.id]


def test_a_change_is_stored_only_on_the_revision_that_it_was_made_from(stores: Stores) -> None:
    batch = a_batch()
    stores.batches.create(batch, [])
    one, other = (batch.evolve(revision=name, by=name) for name in ("one", "other"))
    assert stores.batches.replace(batch, one)
    assert not stores.batches.replace(batch, other)
    assert stores.batches.replace(batch, one), "its own answer was lost, and it is asked again"
    assert stores.batches.read(batch.id) == one


def test_an_act_is_kept_with_its_change_or_not_at_all(stores: Stores) -> None:
    batch = a_batch()
    stores.batches.create(batch, [])
    one, other = (batch.evolve(revision=name, by=name) for name in ("one", "other"))
    assert stores.batches.replace(batch, one, an_act(batch))
    assert not stores.batches.replace(batch, other, an_act(batch))
    assert [act.batch_id for act in acts_on(stores, batch)] == [batch.id]
    assert stores.batches.read(batch.id) == one


def test_what_is_not_there_is_not_replaced(stores: Stores) -> None:
    absent = a_batch()
    assert not stores.batches.replace(absent, absent.evolve(revision="next"))
    assert not stores.batches.replace(absent, absent.evolve(revision="next"), an_act(absent))
    assert stores.batches.read(absent.id) is None


def test_batches_of_a_workspace_are_listed_newest_first_and_by_pages(stores: Stores) -> None:
    workspace, at = a_workspace(), now()
    batches = [a_batch(workspace=workspace, created_at=at + timedelta(seconds=each)) for each in range(3)]
    for each in (*batches, a_batch()):
        stores.batches.create(each, [])
    first, position = stores.batches.list_batches(workspace, Page(2))
    rest, end = stores.batches.list_batches(workspace, Page(2, position))
    assert [*first, *rest] == batches[::-1]
    assert end is None


def test_batches_whose_moment_has_passed_are_overdue(stores: Stores) -> None:
    past, future = now() - timedelta(minutes=1), now() + timedelta(minutes=1)
    late, early, over = (a_batch(due_at=each) for each in (past, future, None))
    for each in (late, early, over):
        stores.batches.create(each, [])
    moved = late.evolve(revision="moved", due_at=future)
    ours = {each.id for each in (late, early, over)}
    assert [each for each in stores.batches.overdue() if each.id in ours] == [late]
    stores.batches.replace(late, moved)
    assert not [each for each in stores.batches.overdue() if each.id in ours]


def test_batches_that_take_steps_are_at_work_and_not_those_that_begin_later(stores: Stores) -> None:
    dead, moved, over = (now() - timedelta(minutes=1), now() + timedelta(minutes=3), None)
    batches = [a_batch(due_at=each) for each in (dead, moved, over, now() + timedelta(minutes=10))]
    for each in batches:
        stores.batches.create(each, [])
    assert stores.batches.at_work() & {each.id for each in batches} == {each.id for each in batches[:2]}
    stores.batches.replace(batches[0], batches[0].evolve(revision="over", due_at=None))
    assert batches[0].id not in stores.batches.at_work()


def test_members_are_its_reruns_and_their_retries_newest_first(stores: Stores) -> None:
    original, another = (new_run(expires_at=now() + timedelta(days=90)) for _ in range(2))
    for each in (original, another):
        assert stores.runs.record(each, {Part.PARAMETERS: b"sealed"})
    batch = a_batch()
    members = [a_member(original, batch.id, now() + timedelta(seconds=each)) for each in range(3)]
    for each in (*members, a_member(another, str(uuid4()), now())):
        assert stores.runs.record_rerun(each, {Part.PARAMETERS: b"sealed"})
    entries = list(stores.batches.members(batch.id, Page()))
    assert [entry.run_id for entry in entries] == [each.id for each in reversed(members)]
    assert stores.runs.read_run(members[0].id).batch_id == batch.id
    after = list(stores.batches.members(batch.id, Page(after=entries[0].position)))
    assert after == entries[1:]


def a_member(original: FunctionRun, batch_id: str, at: datetime) -> FunctionRun:
    return a_rerun(
        original,
        id=str(uuid4()),
        workspace=original.workspace,
        created_at=at,
        expires_at=original.expires_at,
        batch_id=batch_id,
    )


def test_sources_are_read_with_their_parameters_in_the_order_asked_for(stores: Stores) -> None:
    more_than_one_read = 60
    runs = [new_run(expires_at=now() + timedelta(days=90)) for _ in range(more_than_one_read)]
    for run in runs[1:]:
        stores.runs.record(run, {Part.PARAMETERS: f"of {run.id}".encode()})
    found = stores.runs.read_recorded([run.id for run in runs], Part.PARAMETERS)
    assert [each.run for each in found] == runs[1:]
    assert [each.sealed() for each in found] == [f"of {run.id}".encode() for run in runs[1:]]
    assert stores.runs.read_recorded([], Part.PARAMETERS) == []


def test_triggers_and_functions_are_read_by_pairs(registry: Any) -> None:
    function, trigger, absent = a_function(id=str(uuid4()), name=uuid4().hex), str(uuid4()), str(uuid4())
    registry.add_function(function)
    assert registry.read_pairs([(trigger, function.id), (trigger, function.id), (trigger, absent)]) == [
        (None, function),
        (None, function),
        (None, None),
    ]
    assert registry.read_pairs([]) == []
