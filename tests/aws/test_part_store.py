"""Large parts on the emulator's wire: staged, moved once their run is recorded, found wherever they are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ReadTimeoutError

from handlers.aws import keys as table_keys
from handlers.aws import run_items
from handlers.aws.object_expiry_index import ObjectExpiryIndex
from handlers.aws.part_objects import PartLost
from handlers.aws.part_store import MAX_SEALED_INLINE_BYTES
from handlers.aws.run_recorder import RunRecorder
from handlers.aws.table import Table, to_item
from handlers.domain import clock
from handlers.domain.clock import to_millisecond
from handlers.domain.errors import RerunLimitReached, Unavailable
from handlers.domain.paging import Page
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.finish import mark_published
from handlers.domain.runs.run import FunctionRun, Part, Status, new_token
from handlers.domain.upkeep.housekeeping import KeptObject
from infra.local.local_stack import LocalStack
from tests.aws.conftest import MAX_RERUNS
from tests.aws.storing import new_run, nowhere, objects_of, store_of
from tests.builders import a_rerun
from tests.faults.answers import answer, cancelled, error
from tests.faults.client import injected

LARGE = b"\x00sealed" * 60_000
PUT, COPY, DELETE, GET = "s3.PutObject", "s3.CopyObject", "s3.DeleteObject", "s3.GetObject"
SLOW_DOWN = error(503, "SlowDown")


@pytest.fixture
def s3(local_stack: LocalStack) -> Any:
    return local_stack.client("s3")


@pytest.fixture
def keys(local_stack: LocalStack, s3: Any) -> Callable[[str], list[str]]:
    def listed(prefix: str) -> list[str]:
        found = s3.list_objects_v2(Bucket=local_stack.outputs["BucketName"], Prefix=prefix).get("Contents", [])
        return [each["Key"] for each in found]

    return listed


def where(local_stack: LocalStack, dynamodb: Any, run: FunctionRun, sort: str) -> dict[str, Any]:
    key = to_item({"pk": f"RUN#{run.id}", "sk": sort})
    found: dict[str, Any] = dynamodb.get_item(TableName=local_stack.outputs["TableName"], Key=key, ConsistentRead=True)
    return dict(found["Item"])


def test_a_large_part_is_moved_once_its_run_is_recorded(
    runs: RunRecorder, local_stack: LocalStack, dynamodb: Any, keys: Callable[[str], list[str]]
) -> None:
    run = new_run()
    assert runs.record(run, {Part.PARAMETERS: LARGE})
    item = where(local_stack, dynamodb, run, "SEALED#parameters")
    assert keys(f"kept/{run.id}") == [item["object"]["S"]] == [f"kept/{run.id}/parameters"]
    assert keys(item["stagedAs"]["S"]) == []
    recorded = runs.read(run.id, Part.PARAMETERS)
    assert recorded is not None
    assert (recorded.run, recorded.sealed()) == (run.evolve(revision=recorded.run.revision), LARGE)


@pytest.mark.parametrize(("size", "large"), [(MAX_SEALED_INLINE_BYTES, False), (MAX_SEALED_INLINE_BYTES + 1, True)])
def test_what_fits_stays_in_the_table(
    runs: RunRecorder, keys: Callable[[str], list[str]], size: int, *, large: bool
) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: b"x" * size})
    assert bool(keys(f"kept/{run.id}")) == large
    assert runs.read_parts(run, [Part.PARAMETERS]) == {Part.PARAMETERS: b"x" * size}


def test_what_cannot_be_staged_is_not_recorded(runs: RunRecorder, s3: Any) -> None:
    run = new_run()
    with injected(s3.meta.events, PUT, SLOW_DOWN), pytest.raises(Unavailable):
        runs.record(run, {Part.PARAMETERS: LARGE})
    assert runs.read_run(run.id) is None


FAULTS: dict[str, Any] = {"throttled": SLOW_DOWN, "no answer": ReadTimeoutError(endpoint_url="injected")}


@pytest.mark.parametrize("operation", [COPY, DELETE])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_not_moved_is_due_in_a_minute_readable_meanwhile_and_moved_then(
    runs: RunRecorder, s3: Any, keys: Callable[[str], list[str]], operation: str, fault: str
) -> None:
    due = to_millisecond(datetime.now(UTC)) + timedelta(days=20)
    run = new_run(not_before=due, deadline=due)
    with injected(s3.meta.events, operation, FAULTS[fault]):
        assert runs.record(run, {Part.PARAMETERS: LARGE})
    stored = runs.read_run(run.id)
    assert stored is not None
    assert stored.staged
    assert stored.deadline is not None
    assert stored.deadline <= pending_deadline(clock.now())
    assert runs.read_parts(run, [Part.PARAMETERS]) == {Part.PARAMETERS: LARGE}

    moved = runs.move_staged(stored)

    assert keys(f"kept/{run.id}") == [f"kept/{run.id}/parameters"]
    assert runs.read_run(run.id) == moved == stored.evolve(staged=False, revision=moved.revision)
    # A second watchdog, which has read the run before that: it finds nothing left to move.
    assert not runs.move_staged(stored).staged


def test_a_run_whose_parts_are_not_moved_is_due_after_its_end_too(runs: RunRecorder, s3: Any) -> None:
    run = new_run()
    with injected(s3.meta.events, COPY, SLOW_DOWN):
        runs.record(run, {Part.PARAMETERS: LARGE})
    stored = runs.read_run(run.id)
    assert stored is not None
    ended = stored.moved(status=Status.CANCELLED, event_pending=True)
    assert runs.transition(stored, ended)
    assert mark_published(ended, runs)
    found = runs.read_run(run.id)
    assert found is not None
    assert (found.staged, found.event_pending, found.deadline) == (True, False, ended.deadline)


@pytest.mark.parametrize("sealed", [b"sealed", b"sealed" * 200, LARGE], ids=["small", "over a unit", "large"])
class TestOutcomes:
    """A is the execution that has lost its claim to B. Whatever comes first, the outcome that counts is B's."""

    @pytest.fixture
    def naming(self, sealed: bytes) -> str:
        """The call that makes the run name its outcome."""
        return "dynamodb.TransactWriteItems" if len(sealed) < 1000 else "dynamodb.UpdateItem"

    def claimed(self, runs: RunRecorder) -> tuple[FunctionRun, FunctionRun]:
        run = new_run(status="running", claim_token="a")
        runs.record(run, {Part.PARAMETERS: b"sealed"})
        other = run.moved(claim_token="b")
        assert runs.transition(run, other)
        return run, other

    def ended(self, run: FunctionRun) -> FunctionRun:
        return run.moved(status=Status.COMPLETED, claim_token=None, outcome_id=new_token())

    def shown(self, runs: RunRecorder, run: FunctionRun) -> bytes | None:
        found = runs.read_run(run.id)
        assert found is not None
        return runs.read_parts(found, [Part.OUTCOME]).get(Part.OUTCOME)

    def test_of_two_outcomes_that_which_comes_late_does_not_count(self, runs: RunRecorder, sealed: bytes) -> None:
        a, b = self.claimed(runs)
        assert runs.transition(b, self.ended(b), sealed)
        assert not runs.transition(a, self.ended(a), sealed[::-1])
        assert self.shown(runs, a) == sealed

    def test_of_two_outcomes_that_which_comes_early_does_not_count(self, runs: RunRecorder, sealed: bytes) -> None:
        a, b = self.claimed(runs)
        assert not runs.transition(a, self.ended(a), sealed[::-1])
        assert self.shown(runs, a) is None
        assert runs.transition(b, self.ended(b), sealed)
        assert self.shown(runs, a) == sealed

    def test_of_two_outcomes_that_are_written_at_once_one_counts(
        self, runs: RunRecorder, dynamodb: Any, sealed: bytes, naming: str
    ) -> None:
        a, b = self.claimed(runs)
        late: list[bool] = []

        def between(**_: Any) -> None:
            """A writes all that it has to write after B's outcome, and before the run names that."""
            dynamodb.meta.events.unregister(f"before-call.{naming}", between)
            late.append(runs.transition(a, self.ended(a), sealed[::-1]))

        dynamodb.meta.events.register(f"before-call.{naming}", between)
        assert runs.transition(b, self.ended(b), sealed)
        assert late == [False]
        assert self.shown(runs, a) == sealed

    def test_an_execution_that_dies_before_its_run_names_the_outcome_leaves_what_expires(
        self, runs: RunRecorder, dynamodb: Any, sealed: bytes, naming: str
    ) -> None:
        _, b = self.claimed(runs)
        lost = ReadTimeoutError(endpoint_url="injected")
        with injected(dynamodb.meta.events, naming, lost), pytest.raises(Unavailable):
            runs.transition(b, self.ended(b), sealed[::-1])
        assert self.shown(runs, b) is None
        again = b.moved(claim_token="c")
        assert runs.transition(b, again)
        assert runs.transition(again, self.ended(again), sealed)
        assert self.shown(runs, b) == sealed

    def test_a_mark_during_the_execution_leaves_its_outcome_alone(self, runs: RunRecorder, sealed: bytes) -> None:
        _, b = self.claimed(runs)
        assert runs.transition(b, b.evolve(cancel_requested_at=clock.now(), cancel_requested_by="bob"))
        assert runs.transition(b, self.ended(b), sealed)
        found = runs.read_run(b.id)
        assert found is not None
        assert (found.status, found.cancel_requested_by) == (Status.COMPLETED, "bob")
        assert self.shown(runs, b) == sealed

    def test_an_outcome_whose_answer_was_lost_is_stored_once(self, runs: RunRecorder, sealed: bytes) -> None:
        _, b = self.claimed(runs)
        ended = self.ended(b)
        assert runs.transition(b, ended, sealed)
        assert runs.transition(b, ended.evolve(outcome_id=new_token(), result_omitted=True), sealed[::-1])
        assert self.shown(runs, b) == sealed
        found = runs.read_run(b.id)
        assert found is not None
        assert not found.result_omitted

    def test_a_conflict_with_another_write_is_tried_again(
        self, runs: RunRecorder, dynamodb: Any, sealed: bytes, naming: str
    ) -> None:
        _, b = self.claimed(runs)
        update = error(400, "TransactionConflictException")
        conflict = cancelled("None", "TransactionConflict") if naming.endswith("TransactWriteItems") else update
        with injected(dynamodb.meta.events, naming, conflict) as calls:
            assert runs.transition(b, self.ended(b), sealed)
        assert len(calls) == 2
        assert self.shown(runs, b) == sealed

    def test_an_outcome_whose_run_has_expired_comes_to_nothing(
        self, runs: RunRecorder, table: Table, sealed: bytes
    ) -> None:
        _, b = self.claimed(runs)
        table.delete(table_keys.run(b.id))
        assert not runs.transition(b, self.ended(b), sealed)
        assert runs.read_run(b.id) is None


@pytest.mark.parametrize(("size", "together"), [(300, True), (1025, False)])
def test_an_outcome_within_one_write_unit_is_written_with_its_run(
    runs: RunRecorder, dynamodb: Any, size: int, *, together: bool
) -> None:
    run = new_run(status="running", claim_token="mine")
    runs.record(run, {})
    with injected(dynamodb.meta.events, "dynamodb.PutItem") as puts:
        ended = run.moved(status=Status.COMPLETED, claim_token=None, outcome_id="one")
        assert runs.transition(run, ended, b"x" * size)
    assert (puts == []) == together


def test_a_large_outcome_is_listed_before_it_is_there(
    runs: RunRecorder, table: Table, s3: Any, monkeypatch: pytest.MonkeyPatch, keys: Callable[[str], list[str]]
) -> None:
    """Whoever dies between its calls leaves no object that housekeeping does not find."""
    run = new_run(status="running", claim_token="mine")
    runs.record(run, {})
    with injected(s3.meta.events, PUT, SLOW_DOWN), pytest.raises(Unavailable):
        runs.transition(run, run.moved(status=Status.COMPLETED, claim_token=None, outcome_id="one"), LARGE)
    assert keys(f"kept/{run.id}") == []
    later = clock.now() + timedelta(days=400)
    monkeypatch.setattr(clock, "now", lambda: later)
    index = ObjectExpiryIndex(table, report=nowhere)
    (kept,) = [each for each in index.due() if each.run_id == run.id]
    assert kept == KeptObject(run.id, "outcome#one", f"kept/{run.id}/outcome-one")
    assert index.part_expires_at(kept) is None
    index.remove(kept)


def test_a_large_rerun_that_is_refused_leaves_nothing_but_what_goes_in_a_day(
    runs: RunRecorder, keys: Callable[[str], list[str]]
) -> None:
    original = new_run(rerun_count=MAX_RERUNS)
    runs.record(original, {Part.PARAMETERS: b"sealed"})
    new = a_rerun(original, id=str(uuid4()), status="pending", created_at=original.created_at)
    with pytest.raises(RerunLimitReached):
        runs.record_rerun(new, {Part.PARAMETERS: LARGE})
    assert keys(f"kept/{new.id}") == []
    assert runs.read_run(new.id) is None


def test_an_object_that_is_lost_does_not_open_and_keeps_nobody_waiting(
    local_stack: LocalStack, table: Table, s3: Any
) -> None:
    reported: list[Exception] = []
    runs = store_of(local_stack, table, report=reported.append)
    run = new_run()
    with injected(s3.meta.events, COPY, SLOW_DOWN):
        runs.record(run, {Part.PARAMETERS: LARGE})
    for key in objects_of(local_stack).staged_before(datetime.now(UTC) + timedelta(days=1)):
        objects_of(local_stack).delete(key)
    stored = runs.read_run(run.id)
    assert stored is not None
    reported.clear()
    assert not runs.move_staged(stored).staged
    assert runs.read_parts(run, [Part.PARAMETERS]) == {Part.PARAMETERS: b""}
    assert [type(each) for each in reported] == [PartLost, PartLost]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_an_object_that_cannot_be_read_now_is_not_taken_for_lost(runs: RunRecorder, s3: Any, status: int) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: LARGE})
    with injected(s3.meta.events, GET, error(status, "AccessDenied")) as calls:
        recorded = runs.read(run.id, Part.PARAMETERS)
        assert recorded is not None
        assert calls == [], "it is fetched when it is asked for, and not before"
        with pytest.raises(Unavailable):
            recorded.sealed()


def test_an_object_that_is_moved_while_it_is_looked_for_is_found(runs: RunRecorder, s3: Any) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: LARGE})
    missing = answer(404, {})
    with injected(s3.meta.events, GET, missing, missing, None):
        assert runs.read_parts(run, [Part.PARAMETERS]) == {Part.PARAMETERS: LARGE}


def test_an_entry_that_cannot_be_read_hides_no_other_object(
    runs: RunRecorder, table: Table, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Exception] = []
    broken, good = new_run(), new_run()
    for run in (broken, good):
        runs.record(run, {Part.PARAMETERS: LARGE})
    key = to_item(table_keys.object_entry(broken.id, Part.PARAMETERS))
    dynamodb.update_item(
        TableName=table._name,
        Key=key,
        UpdateExpression="REMOVE #object",
        ExpressionAttributeNames={"#object": "object"},
    )
    later = clock.now() + timedelta(days=400)
    monkeypatch.setattr(clock, "now", lambda: later)
    due = {each.run_id for each in ObjectExpiryIndex(table, report=reported.append).due()}
    assert good.id in due
    assert broken.id not in due
    assert [type(each) for each in reported] == [KeyError]
    dynamodb.delete_item(TableName=table._name, Key=key)


@pytest.mark.parametrize("flaw", [{"sealed": "a text"}, {"object": "x", "stagedAs": None}, {"object": 7}])
def test_a_part_that_cannot_be_read_does_not_open_and_hides_no_other(
    local_stack: LocalStack, table: Table, dynamodb: Any, flaw: dict[str, Any]
) -> None:
    reported: list[Exception] = []
    runs = store_of(local_stack, table, report=reported.append)
    run = new_run()
    runs.record(run, {Part.PARAMETERS: b"sealed", Part.OVERRIDES: b"sealed too"})
    item = run_items.part_key(run, Part.PARAMETERS) | {name: each for name, each in flaw.items() if each is not None}
    dynamodb.put_item(TableName=table._name, Item=to_item(item))
    found = runs.read_parts(run, [Part.PARAMETERS, Part.OVERRIDES])
    assert found == {Part.PARAMETERS: b"", Part.OVERRIDES: b"sealed too"}
    assert len(reported) == 1


def test_an_edge_that_cannot_be_read_hides_no_other_re_run(
    local_stack: LocalStack, table: Table, dynamodb: Any
) -> None:
    reported: list[Exception] = []
    runs = store_of(local_stack, table, report=reported.append)
    original = new_run()
    runs.record(original, {})
    reruns = [
        a_rerun(original, id=str(uuid4()), created_at=original.created_at + timedelta(seconds=n)) for n in range(3)
    ]
    for each in reruns:
        runs.record_rerun(each, {})
    broken = to_item({"pk": f"RUN#{original.id}", "sk": f"RERUN#{run_items.position(reruns[1])}", "runIds": ["newer"]})
    dynamodb.put_item(TableName=table._name, Item=broken)
    assert runs.edges(original.id, Page(10)).run_ids == [reruns[0].id, reruns[2].id]
    first = runs.edges(original.id, Page(2))
    assert first.run_ids == [reruns[0].id]
    assert runs.edges(original.id, Page(2, first.last_position)).run_ids == [reruns[2].id]
    assert [type(each) for each in reported] == [KeyError] * 2


def test_the_index_lists_an_object_until_it_is_removed(
    runs: RunRecorder, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: LARGE})
    index, kept = (
        ObjectExpiryIndex(table, report=nowhere),
        KeptObject(run.id, "parameters", f"kept/{run.id}/parameters"),
    )
    expires_at = index.part_expires_at(kept)
    assert expires_at == datetime.fromtimestamp(run_items.epoch(run) + run_items.PARTS_OUTLIVE_SECONDS, UTC)
    assert kept not in list(index.due())
    monkeypatch.setattr(clock, "now", lambda: expires_at + timedelta(seconds=1))
    assert kept in list(index.due())
    assert index.part_expires_at(kept) is None
    index.reschedule(kept, expires_at + timedelta(days=1))
    assert kept not in list(index.due())
    monkeypatch.setattr(clock, "now", lambda: expires_at + timedelta(days=2))
    assert kept in list(index.due())
    index.remove(kept)
    index.remove(kept)
    index.reschedule(kept, expires_at)  # by a second one at once: nothing comes back
    assert kept not in list(index.due())
