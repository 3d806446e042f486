"""Starting a batch: one act, and one batch for one Idempotency-Key."""

from typing import Any

import pytest

from handlers.domain.batches.batch import Batch, BatchState, Pace, Selection, StopWhen
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.errors import IdempotencyKeyReused, InvalidRequest, Unavailable
from handlers.domain.starting.idempotency import IdempotencyKey, request_key
from tests.builders import FUNCTION_ID, NOW, WORKSPACE, an_id
from tests.domain.batches.batching import GROUP, OF_GROUP
from tests.fakes import FakeClock, World


def start(world: World, key: str | None = None, by: str = "alice", **body: Any) -> Batch:
    options = BatchBody.read(OF_GROUP | body)
    return start_batch(BatchRequest(WORKSPACE, by, options, _key(key, by, options)), world.batch_deps)


def _key(key: str | None, by: str, options: BatchBody) -> IdempotencyKey | None:
    return request_key(key, WORKSPACE, by, ["batch", options.normal_form()])


def test_a_batch_is_stored_as_it_was_asked_for_before_its_execution_is_started(world: World) -> None:
    batch = start(
        world,
        reason="Fixed in 8",
        useLatestCode=True,
        canary={"count": 2},
        pace={"startPerSecond": 2, "maxPerSecond": 20, "doubleEverySeconds": 10},
        stopWhen={"failures": 7},
    )
    assert world.batches.read(batch.id) == batch
    assert (batch.state, batch.by, batch.reason, batch.canary_count) == (BatchState.CANARY, "alice", "Fixed in 8", 2)
    assert batch.selection == Selection(error_group_id=GROUP)
    assert batch.pace == Pace(start_per_second=2, max_per_second=20, double_every_seconds=10)
    assert batch.stop_when == StopWhen(failures=7)
    assert batch.use_latest_code
    assert world.executions.started == [(batch.id, 1)]


def test_without_a_canary_it_begins_at_its_first_rate(world: World) -> None:
    assert start(world, canary={"count": 0}).state is BatchState.RUNNING


def test_runs_that_are_named_lie_beside_it(world: World) -> None:
    named = [an_id(2), an_id(1)]
    batch = start_batch(BatchRequest(WORKSPACE, "alice", BatchBody.read({"runIds": named})), world.batch_deps)
    assert world.batches.run_ids(batch.id) == named
    assert (batch.selection, batch.run_ids_count, batch.total) == (None, 2, 2)


def test_it_is_one_act_whose_override_paths_are_sealed(world: World) -> None:
    batch = start(world, filter={"functionId": FUNCTION_ID}, overrideParams={"card": {"number": 1}}, reason="x")
    (sealed,) = world.audit_log.sealed
    act = sealed.act
    assert (act.action, act.by, act.batch_id, act.function_id, act.reason) == (
        "start-batch",
        "alice",
        batch.id,
        FUNCTION_ID,
        "x",
    )
    assert sealed.sealed_paths is not None
    overrides = world.batches.sealed_overrides(batch.id)
    assert overrides is not None
    assert world.cipher.open(overrides, batch.overrides_context) == b'{"card":{"number":1}}'
    assert "card" not in batch.model_dump_json()


def test_the_same_request_under_the_same_key_is_the_same_batch(world: World) -> None:
    first = start(world, "k")
    again = start(world, "k")
    assert again == first
    assert len(world.batches.batches) == len(world.audit_log.sealed) == len(world.executions.started) == 1
    assert start(world, "k", by="bob") != first, "a key is its caller's"


def test_another_request_under_the_same_key_is_refused(world: World) -> None:
    start(world, "k")
    with pytest.raises(IdempotencyKeyReused):
        start(world, "k", reason="another")
    assert len(world.batches.batches) == 1


def test_two_requests_at_once_under_one_key_are_one_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The store decides: neither has looked before."""
    create = world.batches.create
    first: list[Batch] = []

    def after_another(*given: Any) -> None:
        monkeypatch.setattr(world.batches, "create", create)
        first.append(start(world, "k"))
        create(*given)

    monkeypatch.setattr(world.batches, "create", after_another)
    assert start(world, "k") == first[0]
    assert len(world.batches.batches) == 1


def test_a_repeated_request_whose_batch_cannot_be_read_may_be_sent_again(world: World) -> None:
    batch = start(world, "k")
    del world.batches.batches[batch.id]
    with pytest.raises(Unavailable):
        start(world, "k")


def test_a_batch_whose_execution_cannot_be_started_is_accepted(world: World) -> None:
    world.executions.fails = True
    batch = start(world)
    assert batch.due_at is not None
    assert batch.due_at > NOW


def test_a_batch_may_begin_within_thirty_days(world: World, time: FakeClock) -> None:
    with pytest.raises(InvalidRequest, match="notBefore"):
        start(world, notBefore="2026-12-22T09:30:01Z")
    assert start(world, notBefore="2026-12-22T09:30:00Z").state is BatchState.SCHEDULED
    assert start(world, notBefore="2026-11-22T09:30:00Z").not_before is None
