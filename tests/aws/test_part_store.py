"""Large parts on the emulator's wire: staged, moved once their run is recorded, found wherever they are."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ReadTimeoutError

from handlers.aws import run_items
from handlers.aws.object_expiry_index import ObjectExpiryIndex
from handlers.aws.part_objects import PartLost
from handlers.aws.part_store import MAX_SEALED_INLINE_BYTES
from handlers.aws.run_store import RunStore
from handlers.aws.table import Table, to_item
from handlers.domain import clock
from handlers.domain.clock import to_millisecond
from handlers.domain.errors import RerunLimitReached, Unavailable
from handlers.domain.paging import Page
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.run import FunctionRun, Part, Status
from handlers.domain.upkeep.housekeeping import KeptObject
from infra.local.local_stack import LocalStack
from tests.aws.conftest import MAX_RERUNS
from tests.aws.storing import new_run, nowhere, objects_of, store_of
from tests.builders import a_rerun
from tests.faults.answers import answer, error
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
    runs: RunStore, local_stack: LocalStack, dynamodb: Any, keys: Callable[[str], list[str]]
) -> None:
    run = new_run()
    assert runs.record(run, {Part.PARAMETERS: LARGE})
    item = where(local_stack, dynamodb, run, "SEALED#parameters")
    assert keys(f"kept/{run.id}") == [item["object"]["S"]] == [f"kept/{run.id}/parameters"]
    assert keys(item["stagedAs"]["S"]) == []
    recorded = runs.read(run.id, Part.PARAMETERS)
    assert recorded is not None
    assert (recorded.run, recorded.sealed()) == (run, LARGE)


@pytest.mark.parametrize(("size", "large"), [(MAX_SEALED_INLINE_BYTES, False), (MAX_SEALED_INLINE_BYTES + 1, True)])
def test_what_fits_stays_in_the_table(
    runs: RunStore, keys: Callable[[str], list[str]], size: int, *, large: bool
) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: b"x" * size})
    assert bool(keys(f"kept/{run.id}")) == large
    assert runs.read_parts(run.id, [Part.PARAMETERS]) == {Part.PARAMETERS: b"x" * size}


def test_what_cannot_be_staged_is_not_recorded(runs: RunStore, s3: Any) -> None:
    run = new_run()
    with injected(s3.meta.events, PUT, SLOW_DOWN), pytest.raises(Unavailable):
        runs.record(run, {Part.PARAMETERS: LARGE})
    assert runs.read_run(run.id) is None


FAULTS: dict[str, Any] = {"throttled": SLOW_DOWN, "no answer": ReadTimeoutError(endpoint_url="injected")}


@pytest.mark.parametrize("operation", [COPY, DELETE])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_not_moved_is_due_in_a_minute_readable_meanwhile_and_moved_then(
    runs: RunStore, s3: Any, keys: Callable[[str], list[str]], operation: str, fault: str
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
    assert runs.read_parts(run.id, [Part.PARAMETERS]) == {Part.PARAMETERS: LARGE}

    moved = runs.move_staged(stored)

    assert keys(f"kept/{run.id}") == [f"kept/{run.id}/parameters"]
    assert runs.read_run(run.id) == moved == stored.evolve(staged=False)
    # A second watchdog, which has read the run before that: it finds nothing left to move.
    assert runs.move_staged(stored) == moved


def test_a_run_whose_parts_are_not_moved_is_not_taken_for_settled(runs: RunStore, s3: Any) -> None:
    run = new_run(status="running", claim_token="mine")
    runs.record(run, {Part.PARAMETERS: b"sealed"})
    ended = run.evolve(status=Status.COMPLETED, claim_token=None, event_pending=True)
    with injected(s3.meta.events, COPY, SLOW_DOWN):
        assert runs.transition(run, ended, {Part.RESULT: LARGE})
    assert not runs.transition(ended, ended.evolve(event_pending=False, deadline=None))
    stored = runs.read_run(run.id)
    assert stored is not None
    assert (stored.staged, stored.event_pending, stored.deadline) == (True, True, ended.deadline)


def test_of_two_outcomes_the_one_that_was_recorded_is_kept(runs: RunStore) -> None:
    run = new_run(status="running", claim_token="mine")
    runs.record(run, {Part.PARAMETERS: b"sealed"})
    ended = run.evolve(status=Status.COMPLETED, claim_token=None)
    assert runs.transition(run, ended, {Part.RESULT: LARGE})
    assert not runs.transition(run, ended, {Part.RESULT: LARGE[::-1]})
    assert runs.read_parts(run.id, [Part.RESULT]) == {Part.RESULT: LARGE}


def test_a_large_rerun_that_is_refused_leaves_nothing_but_what_goes_in_a_day(
    runs: RunStore, keys: Callable[[str], list[str]]
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
    assert runs.read_parts(run.id, [Part.PARAMETERS]) == {Part.PARAMETERS: b""}
    assert [type(each) for each in reported] == [PartLost, PartLost]


@pytest.mark.parametrize("status", [403, 500, 503])
def test_an_object_that_cannot_be_read_now_is_not_taken_for_lost(runs: RunStore, s3: Any, status: int) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: LARGE})
    with injected(s3.meta.events, GET, error(status, "AccessDenied")) as calls:
        recorded = runs.read(run.id, Part.PARAMETERS)
        assert recorded is not None
        assert calls == [], "it is fetched when it is asked for, and not before"
        with pytest.raises(Unavailable):
            recorded.sealed()


def test_an_object_that_is_moved_while_it_is_looked_for_is_found(runs: RunStore, s3: Any) -> None:
    run = new_run()
    runs.record(run, {Part.PARAMETERS: LARGE})
    missing = answer(404, {})
    with injected(s3.meta.events, GET, missing, missing, None):
        assert runs.read_parts(run.id, [Part.PARAMETERS]) == {Part.PARAMETERS: LARGE}


def test_an_entry_that_cannot_be_read_hides_no_other_object(
    runs: RunStore, table: Table, dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Exception] = []
    broken, good = new_run(), new_run()
    for run in (broken, good):
        runs.record(run, {Part.PARAMETERS: LARGE})
    key = to_item(run_items.object_entry_key(broken.id, Part.PARAMETERS))
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
    item = run_items.part_key(run.id, Part.PARAMETERS) | {name: each for name, each in flaw.items() if each is not None}
    dynamodb.put_item(TableName=table._name, Item=to_item(item))
    found = runs.read_parts(run.id, [Part.PARAMETERS, Part.OVERRIDES])
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


def test_the_shelf_reminds_of_an_object_until_it_is_told_to_forget(
    runs: RunStore, table: Table, monkeypatch: pytest.MonkeyPatch
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
