"""What is kept of a request that has started a run: with the run, or not at all."""

from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ReadTimeoutError

from handlers.aws.registry_store import RegistryStore
from handlers.aws.run_recorder import RunRecorder
from handlers.domain.errors import Unavailable
from handlers.domain.runs.run import Part
from handlers.domain.starting.idempotency import (
    IdempotencyKey,
    KeptRequest,
    SealedKey,
    request_key,
)
from tests.aws.storing import new_run
from tests.builders import WORKSPACE
from tests.faults.client import injected

SEALED = {Part.PARAMETERS: b"sealed"}


def a_key() -> IdempotencyKey:
    key = request_key(str(uuid4()), WORKSPACE, "alice", {})
    assert key is not None
    return key


def kept_under(key: IdempotencyKey, runs: RunRecorder) -> KeptRequest | None:
    return runs.read_with_key(str(uuid4()), Part.PARAMETERS, key)[1]


def test_a_trigger_is_read_with_the_key_in_one_call(registry: RegistryStore, runs: RunRecorder, dynamodb: Any) -> None:
    key, run = SealedKey(a_key(), b"digest"), new_run()
    runs.record(run, SEALED, key)
    with injected(dynamodb.meta.events, "dynamodb.BatchGetItem") as calls:
        assert registry.read_trigger_with_key(str(uuid4()), key.key) == (None, KeptRequest(key.key, run.id, b"digest"))
    assert calls == ["dynamodb.BatchGetItem"]


def test_a_lost_answer_does_not_make_the_request_its_own_repetition(runs: RunRecorder, dynamodb: Any) -> None:
    """The SDK does not ask again here: but DynamoDB would answer the same token with success."""
    key, run = SealedKey(a_key(), b"digest"), new_run()
    lost = ReadTimeoutError(endpoint_url="injected")
    with injected(dynamodb.meta.events, "dynamodb.TransactWriteItems", lost), pytest.raises(Unavailable):
        runs.record(run, SEALED, key)
    assert runs.record(run, SEALED, key)
