"""What the store does on DynamoDB's wire; what every store must do is in tests/contracts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws import keys, run_items
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.table import Table, to_item
from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.runs.run import FunctionRun, Part, Status
from infra.local.local_stack import LocalStack
from tests.aws.storing import store_of
from tests.builders import a_rerun, a_run
from tests.faults.answers import answer, cancelled, error
from tests.faults.client import injected

PARTS = {Part.PARAMETERS: b"sealed"}


def soon() -> datetime:
    return clock.now() + timedelta(days=90)


def a_rerun_of(original: FunctionRun, **changes: Any) -> FunctionRun:
    return a_rerun(original, **{"id": str(uuid4()), "created_at": clock.now(), "expires_at": soon()} | changes)


def stored(runs: RunRecorder, **changes: Any) -> FunctionRun:
    run = a_run(**{"id": str(uuid4()), "expires_at": soon()} | changes)
    runs.record(run, PARTS)
    return run


def raw(dynamodb: Any, local_stack: LocalStack, run: FunctionRun) -> dict[str, Any]:
    key = to_item(keys.run(run.id))
    item: dict[str, Any] = dynamodb.get_item(TableName=local_stack.outputs["TableName"], Key=key)["Item"]
    return item


@pytest.mark.parametrize("conflicts", [1, 5])
def test_a_transaction_conflict_is_tried_again(runs: RunRecorder, dynamodb: Any, conflicts: int) -> None:
    original = stored(runs)
    conflict = cancelled("TransactionConflict", "None", "None", "None")
    operation = "dynamodb.TransactWriteItems"
    with injected(dynamodb.meta.events, operation, *[conflict] * conflicts) as calls:
        runs.record_rerun(a_rerun_of(original), PARTS)
    assert len(calls) == conflicts + 1
    found = runs.read_run(original.id)
    assert found is not None
    assert found.rerun_count == 1


def test_conflicts_without_end_are_unavailable_and_nothing_is_written(runs: RunRecorder, dynamodb: Any) -> None:
    original = stored(runs)
    rerun = a_rerun_of(original)
    conflict = cancelled("TransactionConflict", "None", "None", "None")
    with injected(dynamodb.meta.events, "dynamodb.TransactWriteItems", *[conflict] * 50), pytest.raises(Unavailable):
        runs.record_rerun(rerun, PARTS)
    assert runs.read_run(rerun.id) is None


@pytest.mark.parametrize(
    "fault",
    [
        error(400, "ProvisionedThroughputExceededException"),
        error(400, "ThrottlingException"),
        error(500, "InternalServerError"),
        cancelled("ValidationError", "None", "None", "None"),
    ],
    ids=["throughput", "throttled", "internal", "validation"],
)
def test_other_faults_are_unavailable(runs: RunRecorder, dynamodb: Any, fault: Any) -> None:
    original = stored(runs)
    with injected(dynamodb.meta.events, "dynamodb.TransactWriteItems", fault), pytest.raises(Unavailable):
        runs.record_rerun(a_rerun_of(original), PARTS)


def test_a_write_whose_answer_was_lost_is_not_made_twice(runs: RunRecorder, dynamodb: Any) -> None:
    original = stored(runs)
    rerun = a_rerun_of(original)
    sent: list[Any] = []

    def note(params: dict[str, Any], **_: Any) -> None:
        sent.append(params["body"])

    dynamodb.meta.events.register("before-call.dynamodb.TransactWriteItems", note)
    conflict = cancelled("TransactionConflict", "None", "None", "None")
    with injected(dynamodb.meta.events, "dynamodb.TransactWriteItems", conflict):
        runs.record_rerun(rerun, PARTS)
    dynamodb.meta.events.unregister("before-call.dynamodb.TransactWriteItems", note)
    assert len(sent) == 2
    assert sent[0] == sent[1], "every attempt carries the same ClientRequestToken"


def test_unprocessed_keys_are_asked_for_again(runs: RunRecorder, dynamodb: Any, table: Table) -> None:
    originals = [stored(runs) for _ in range(3)]
    wanted = [to_item(keys.run(run.id)) for run in originals]
    name = table._name
    nothing = answer(
        200, {"Responses": {name: []}, "UnprocessedKeys": {name: {"Keys": wanted, "ConsistentRead": True}}}
    )
    with injected(dynamodb.meta.events, "dynamodb.BatchGetItem", nothing) as calls:
        found = runs.read_many([run.id for run in originals])
    assert [run.id for run in found] == [run.id for run in originals]
    assert len(calls) == 2


def test_an_original_its_notes_and_its_parameters_outlive_its_newest_rerun(
    runs: RunRecorder, dynamodb: Any, local_stack: LocalStack
) -> None:
    original = stored(runs, expires_at=clock.now() + timedelta(days=1), orchestration_id="o" * 800)
    rerun = a_rerun_of(original)
    runs.record_rerun(rerun, PARTS)
    found = runs.read_run(original.id)
    assert found is not None
    assert found.expires_at.timestamp() == int(rerun.expires_at.timestamp())
    for key in (keys.of_run(original.id, keys.NOTES), run_items.part_key(original, Part.PARAMETERS)):
        part = dynamodb.get_item(TableName=local_stack.outputs["TableName"], Key=to_item(key))["Item"]
        assert int(part["expiresAt"]["N"]) > rerun.expires_at.timestamp()
    assert int(raw(dynamodb, local_stack, original)["ptl"]["N"]) == int(part["expiresAt"]["N"])


def test_parameters_are_written_anew_once_a_day_at_most(runs: RunRecorder, dynamodb: Any) -> None:
    original = stored(runs)
    with injected(dynamodb.meta.events, "dynamodb.UpdateItem") as updates:
        for hours in (1, 2, 23):
            runs.record_rerun(a_rerun_of(original, expires_at=original.expires_at + timedelta(hours=hours)), PARTS)
    assert updates == []


def test_parallel_claims_have_one_winner(runs: RunRecorder) -> None:
    run = stored(runs)
    claims = [run.moved(status=Status.RUNNING, claim_token=str(n)) for n in range(8)]
    with ThreadPoolExecutor(8) as executors:
        won = list(executors.map(lambda claim: runs.transition(run, claim), claims))
    assert won.count(True) == 1


def test_open_runs_are_due_and_failed_ones_are_failures(
    runs: RunRecorder, dynamodb: Any, local_stack: LocalStack
) -> None:
    run = stored(runs, status="pending", deadline=clock.now() + timedelta(minutes=1))
    item = raw(dynamodb, local_stack, run)
    assert (item["due"]["S"][:5], "failedAt" in item) == ("OPEN#", False)
    runs.transition(run, run.moved(status=Status.FAILURE, deadline=None))
    item = raw(dynamodb, local_stack, run)
    assert ("due" in item, item["failedAt"]) == (False, item["position"])
    completed = raw(dynamodb, local_stack, stored(runs, status=Status.COMPLETED, deadline=None))
    assert not {"due", "dueAt", "failedAt"} & completed.keys()


def test_a_change_of_status_does_not_touch_what_the_lists_hold(
    runs: RunRecorder, dynamodb: Any, local_stack: LocalStack
) -> None:
    run = stored(runs)
    before = raw(dynamodb, local_stack, run)
    runs.transition(run, run.moved(status=Status.RUNNING, claim_token="t", deadline=clock.now()))
    after = raw(dynamodb, local_stack, run)
    for name in ("byWorkspace", "byFunction", "position", "tg"):
        assert after[name] == before[name]


class TestDue:
    """A run is looked at by its deadline, and its place in the due index is written as rarely as can be."""

    def due_at(self, dynamodb: Any, local_stack: LocalStack, run: FunctionRun) -> str:
        return str(raw(dynamodb, local_stack, run)["dueAt"]["S"])

    def test_a_later_deadline_does_not_rewrite_it(
        self, runs: RunRecorder, dynamodb: Any, local_stack: LocalStack
    ) -> None:
        run = stored(runs, status="pending", deadline=clock.now() + timedelta(minutes=1))
        before = self.due_at(dynamodb, local_stack, run)
        assert runs.transition(run, run.moved(deadline=clock.now() + timedelta(minutes=15)))
        assert self.due_at(dynamodb, local_stack, run) == before

    def test_an_earlier_deadline_does(self, runs: RunRecorder, dynamodb: Any, local_stack: LocalStack) -> None:
        run = stored(runs, status="pending", deadline=clock.now() + timedelta(days=3))
        soon = clock.now() + timedelta(minutes=1)
        assert runs.transition(run, run.moved(deadline=soon))
        assert self.due_at(dynamodb, local_stack, run) == clock.iso(soon)

    @pytest.mark.parametrize("outcome", [None, b"sealed", b"sealed" * 200], ids=["none", "small", "over a unit"])
    def test_a_run_that_is_executed_for_long_is_looked_at_once_before_its_lease_ends(
        self,
        runs: RunRecorder,
        dynamodb: Any,
        local_stack: LocalStack,
        monkeypatch: pytest.MonkeyPatch,
        outcome: bytes | None,
    ) -> None:
        run = stored(runs, status="pending", deadline=clock.now() + timedelta(minutes=1))
        lease = clock.now() + timedelta(minutes=15)
        claimed = run.moved(status=Status.RUNNING, claim_token="a", deadline=lease)
        assert runs.transition(run, claimed)
        start = clock.now()
        for minute in range(2, 15):
            monkeypatch.setattr(clock, "now", lambda minute=minute: start + timedelta(minutes=minute))
            early = [each for each in runs.overdue() if each.id == run.id]
            assert len(early) == (minute == 2)
            for each in early:
                runs.reschedule(each)
            assert self.due_at(dynamodb, local_stack, run) == clock.iso(lease)
        ended = claimed.moved(
            status=Status.COMPLETED,
            claim_token=None,
            deadline=clock.now() + timedelta(seconds=30),
            outcome_id=outcome and "one",
        )
        assert runs.transition(claimed, ended, outcome)
        assert self.due_at(dynamodb, local_stack, run) == clock.iso(ended.deadline or lease)

    def test_a_run_that_moved_while_it_was_looked_at_stays_where_it_is(
        self, runs: RunRecorder, dynamodb: Any, local_stack: LocalStack
    ) -> None:
        run = stored(runs, status="pending", deadline=clock.now() + timedelta(minutes=1))
        later = run.moved(deadline=clock.now() + timedelta(minutes=15))
        assert runs.transition(run, later)
        soon = later.moved(deadline=clock.now() + timedelta(minutes=1))

        def between(**_: Any) -> None:
            dynamodb.meta.events.unregister("before-call.dynamodb.UpdateItem", between)
            assert runs.transition(later, soon)

        dynamodb.meta.events.register("before-call.dynamodb.UpdateItem", between)
        runs.reschedule(later)
        assert self.due_at(dynamodb, local_stack, run) <= clock.iso(soon.deadline or clock.now())


def test_overdue_pages_through_all_shards_and_reads_the_truth(
    runs: RunRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.aws.run_store.OVERDUE_PAGE", 2)
    past = datetime(2026, 1, 1, tzinfo=UTC)
    overdue = {stored(runs, deadline=past + timedelta(seconds=n)).id for n in range(9)}
    not_yet = stored(runs, deadline=clock.now() + timedelta(hours=1))
    found = {run.id for run in runs.overdue()}
    assert overdue <= found
    assert not_yet.id not in found


# Each breaks a reader in its own way; what has an expiry of another form does so before the run is read at all.
UNREADABLE: dict[str, dict[str, Any]] = {
    "another source": {"via": "of-a-newer-release"},
    "an expiry that is a text": {"expiresAt": "2027-01-01"},
    "an expiry beyond all years": {"expiresAt": 10**30},
    "an expiry with a form of its own": {"expiresAt": {"at": 1}},
}


@pytest.mark.parametrize("flaw", UNREADABLE)
def test_a_run_that_cannot_be_read_does_not_hide_the_others(
    table: Table, dynamodb: Any, local_stack: LocalStack, flaw: str
) -> None:
    reported: list[Exception] = []
    runs = store_of(local_stack, table, max_reruns=3, report=reported.append)
    past = datetime(2026, 1, 1, tzinfo=UTC)
    overdue = [stored(runs, deadline=past + timedelta(seconds=n)) for n in range(4)]
    ((name, value),) = UNREADABLE[flaw].items()
    dynamodb.update_item(
        TableName=local_stack.outputs["TableName"],
        Key=to_item(keys.run(overdue[0].id)),
        UpdateExpression=f"SET {name} = :newer",
        ExpressionAttributeValues=to_item({":newer": value}),
    )
    assert {run.id for run in overdue[1:]} <= {run.id for run in runs.overdue()}
    assert [run.id for run in runs.read_many([run.id for run in overdue])] == [run.id for run in overdue[1:]]
    assert len(reported) >= 2


def test_a_sealed_part_without_its_content_is_as_good_as_none(
    runs: RunRecorder, dynamodb: Any, local_stack: LocalStack
) -> None:
    run = stored(runs)
    dynamodb.update_item(
        TableName=local_stack.outputs["TableName"],
        Key=to_item(run_items.part_key(run, Part.PARAMETERS)),
        UpdateExpression="REMOVE sealed",
    )
    recorded = runs.read(run.id, Part.PARAMETERS)
    assert recorded is not None
    assert recorded.sealed() is None
    assert runs.read_parts(run, [Part.PARAMETERS]) == {}
