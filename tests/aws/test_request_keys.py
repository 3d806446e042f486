"""What is kept of a request that has started a run: with the run, or not at all."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ReadTimeoutError

from handlers.aws.registry_store import RegistryStore
from handlers.aws.run_store import RunStore
from handlers.domain import clock
from handlers.domain.errors import RerunLimitReached, Unavailable
from handlers.domain.runs.run import Part
from handlers.domain.starting.idempotency import (
    KEPT_FOR,
    AlreadyStarted,
    IdempotencyKey,
    KeptRequest,
    SealedKey,
    request_key,
)
from tests.aws.conftest import MAX_RERUNS
from tests.aws.storing import new_run
from tests.builders import WORKSPACE, a_rerun
from tests.faults.client import injected

SEALED = {Part.PARAMETERS: b"sealed"}


def a_key() -> IdempotencyKey:
    key = request_key(str(uuid4()), WORKSPACE, "alice", {})
    assert key is not None
    return key


def kept_under(key: IdempotencyKey, runs: RunStore) -> KeptRequest | None:
    return runs.read_with_key(str(uuid4()), Part.PARAMETERS, key)[1]


@pytest.mark.parametrize("kind", ["original", "rerun"])
def test_a_key_is_kept_with_the_run_that_its_request_starts(runs: RunStore, kind: str) -> None:
    key, original = SealedKey(a_key(), b"digest"), new_run()
    if kind == "original":
        assert runs.record(original, SEALED, key)
        started = original
    else:
        runs.record(original, SEALED)
        started = a_rerun(original, id=str(uuid4()), status="pending", created_at=original.created_at)
        assert runs.record_rerun(started, SEALED, key)
    assert kept_under(key.key, runs) == KeptRequest(key.key, started.id, b"digest")


@pytest.mark.parametrize("kind", ["original", "rerun"])
def test_a_second_run_under_the_key_is_not_recorded(runs: RunStore, kind: str) -> None:
    key, original = SealedKey(a_key(), b"digest"), new_run()
    runs.record(original, SEALED, key)
    second = new_run() if kind == "original" else a_rerun(original, id=str(uuid4()), created_at=original.created_at)
    with pytest.raises(AlreadyStarted) as already:
        (runs.record if kind == "original" else runs.record_rerun)(second, SEALED, SealedKey(key.key, b"another"))
    assert already.value.kept == KeptRequest(key.key, original.id, b"digest")
    assert runs.read_run(second.id) is None
    assert runs.read_run(original.id) == original


def test_a_key_is_free_again_after_a_day(runs: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    key, at = SealedKey(a_key(), b"digest"), clock.now()
    runs.record(new_run(), SEALED, key)
    monkeypatch.setattr(clock, "now", lambda: at + KEPT_FOR + timedelta(seconds=1))
    assert kept_under(key.key, runs) is None
    later = new_run()
    assert runs.record(later, SEALED, key)
    assert kept_under(key.key, runs) == KeptRequest(key.key, later.id, b"digest")


def test_a_rerun_that_is_refused_keeps_no_key(runs: RunStore) -> None:
    key, original = SealedKey(a_key(), b"digest"), new_run(rerun_count=MAX_RERUNS)
    runs.record(original, SEALED)
    with pytest.raises(RerunLimitReached):
        runs.record_rerun(a_rerun(original, id=str(uuid4()), created_at=original.created_at), SEALED, key)
    assert kept_under(key.key, runs) is None


def test_a_run_that_was_started_before_keeps_no_key(runs: RunStore) -> None:
    key, run = SealedKey(a_key(), b"digest"), new_run()
    runs.record(run, SEALED)
    assert not runs.record(run, SEALED, key)
    assert kept_under(key.key, runs) is None


def test_a_trigger_is_read_with_the_key_in_one_call(registry: RegistryStore, runs: RunStore, dynamodb: Any) -> None:
    key, run = SealedKey(a_key(), b"digest"), new_run()
    runs.record(run, SEALED, key)
    with injected(dynamodb.meta.events, "dynamodb.BatchGetItem") as calls:
        assert registry.read_trigger_with_key(str(uuid4()), key.key) == (None, KeptRequest(key.key, run.id, b"digest"))
    assert calls == ["dynamodb.BatchGetItem"]


def test_a_lost_answer_does_not_make_the_request_its_own_repetition(runs: RunStore, dynamodb: Any) -> None:
    """The SDK does not ask again here: but DynamoDB would answer the same token with success."""
    key, run = SealedKey(a_key(), b"digest"), new_run()
    lost = ReadTimeoutError(endpoint_url="injected")
    with injected(dynamodb.meta.events, "dynamodb.TransactWriteItems", lost), pytest.raises(Unavailable):
        runs.record(run, SEALED, key)
    assert runs.record(run, SEALED, key)
