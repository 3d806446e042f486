"""Start a run: what a trigger, its function and what has come in for them make of it, recorded and queued.

Here for POST …/function-triggers/{triggerId}/execute; the stories of webhooks, schedules and events end here, too.
"""

import uuid
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pydantic import Field

from handlers.domain import clock
from handlers.domain.errors import FunctionNotFound, TriggerDisabled
from handlers.domain.json_document import JsonObject, dump, parse
from handlers.domain.registry.registered import ComputeFunction, FunctionTrigger, StoredTrigger, Triggers
from handlers.domain.registry.triggers import open_params, own_trigger
from handlers.domain.requests import Body
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.recording import Retention, RunQueue, SealedParts, label
from handlers.domain.runs.run import ExecutionSource, ExecutionType, FunctionRun, Part, parse_id
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import (
    AlreadyStarted,
    IdempotencyKey,
    KeptRequest,
    SealedKey,
    run_started_before,
    seal_key,
)
from handlers.domain.starting.merge import merge


class ExecuteBody(Body):
    payload: dict[str, Any] = Field(default_factory=dict)
    orchestration_id: str | None = Field(default=None, min_length=1, max_length=128)


class Runs(Protocol):
    def record(self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None) -> bool:
        """Run and sealed parts, all or nothing. False if there is a run of this id.

        Raises AlreadyStarted or Unavailable.
        """

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]: ...


class Registry(Triggers, Protocol):
    def read_function(self, function_id: str) -> ComputeFunction | None: ...

    def read_trigger_with_key(
        self, trigger_id: str, key: IdempotencyKey | None
    ) -> tuple[StoredTrigger | None, KeptRequest | None]:
        """A trigger, and what is kept under the key: in one call."""


class Starter(NamedTuple):
    """What starting a run needs."""

    runs: Runs
    registry: Registry
    cipher: Cipher
    queue: RunQueue
    retention: Retention


class Cause(NamedTuple):
    """What has come in, and starts a run."""

    source: ExecutionSource
    payload: JsonObject
    field: str = "payload"
    """What the payload is called, should it be refused."""
    run_id: str | None = None
    """Derived from what has come in, if that can be delivered twice."""
    orchestration_id: str | None = None
    key: IdempotencyKey | None = None


def start(
    workspace: str, trigger_id: str, asked: ExecuteBody, using: Starter, key: IdempotencyKey | None = None
) -> FunctionRun:
    """The new run, recorded and queued; or the one that the same request has started before.

    Raises a Refused, or Unavailable.
    """
    known = parse_id(trigger_id)
    found, kept = using.registry.read_trigger_with_key(known, key) if known else (None, None)
    if kept is not None:
        return run_started_before(kept, using.cipher, using.runs)
    stored = own_trigger(workspace, found)
    if not stored.trigger.enabled:
        raise TriggerDisabled
    function = using.registry.read_function(stored.trigger.function_id)
    cause = Cause(_source(stored.trigger, asked), asked.payload, orchestration_id=asked.orchestration_id, key=key)
    return start_run(stored, function, cause, using)


def start_run(stored: StoredTrigger, function: ComputeFunction | None, cause: Cause, using: Starter) -> FunctionRun:
    """The run, recorded and queued, or the one that this cause has started before.

    Raises FunctionNotFound, InvalidRequest, TooLarge, TriggerUnreadable, IdempotencyKeyReused or Unavailable.
    """
    if function is None:
        raise FunctionNotFound(stored.trigger.id)
    params = open_params(stored, using.cipher)
    parameters = dump(merge(parse(params), cause.payload), field=cause.field)
    run = new_run(stored.trigger, function, cause, using.retention, clock.now())
    sealed = {Part.PARAMETERS: using.cipher.seal(parameters, label(run, Part.PARAMETERS))}
    try:
        if using.runs.record(run, sealed, seal_key(cause.key, using.cipher)):
            using.queue.push(run)
    except AlreadyStarted as already:
        return run_started_before(already.kept, using.cipher, using.runs)
    return run


def new_run(
    trigger: FunctionTrigger, function: ComputeFunction, cause: Cause, retention: Retention, at: datetime
) -> FunctionRun:
    return FunctionRun(
        id=cause.run_id or str(uuid.uuid4()),
        workspace=trigger.workspace,
        function_id=function.id,
        function_arn=function.function_arn,
        trigger_id=trigger.id,
        trigger_type=trigger.execution_type,
        execution_source=cause.source,
        created_at=at,
        orchestration_id=cause.orchestration_id,
        # What an orchestration has started is retried by the orchestration.
        retriable=trigger.retry_policy is not None and cause.source is not ExecutionSource.ORCHESTRATION,
        deadline=pending_deadline(at),
        expires_at=at + retention.span,
    )


def _source(trigger: FunctionTrigger, asked: ExecuteBody) -> ExecutionSource:
    if asked.orchestration_id is not None:
        return ExecutionSource.ORCHESTRATION
    return ExecutionSource.TRIGGER if trigger.execution_type is ExecutionType.ON_DEMAND else ExecutionSource.MANUAL
