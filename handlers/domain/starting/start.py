"""Start a run: what a trigger, its function and what has come in for them make of it, recorded and queued.

All that comes in ends here: a trigger that is executed, a webhook, a schedule, an event.
"""

import uuid
from datetime import datetime
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import FunctionNotFound
from handlers.domain.json_document import JsonObject, JsonValue, dump, parse
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.triggers import open_params
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.finish import end_before_recorded
from handlers.domain.runs.outcome import PARAMETERS_OMITTED, Outcome
from handlers.domain.runs.parameters import Parameters, keep_value
from handlers.domain.runs.recording import Retention, RunQueue, SealedParts, seal_context
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Part
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import (
    AlreadyStarted,
    IdempotencyKey,
    SealedKey,
    run_started_before,
    seal_key,
)
from handlers.domain.starting.merge import merge


class Runs(Protocol):
    def record(self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None) -> bool:
        """Run and sealed parts, all or nothing. False if there is a run of this id.

        Raises AlreadyStarted or Unavailable.
        """

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]: ...


class StartDeps(NamedTuple):
    """What starting a run needs."""

    runs: Runs
    cipher: Cipher
    queue: RunQueue
    retention: Retention


class StartRequest(NamedTuple):
    """What has come in, and starts a run."""

    source: ExecutionSource
    payload: JsonObject
    field: str = "payload"
    """What the payload is called, should it be refused."""
    run_id: str | None = None
    """Derived from what has come in, if that can be delivered twice."""
    orchestration_id: str | None = None
    key: IdempotencyKey | None = None
    is_accepted: bool = False
    """Accepted by AWS: nobody can correct it any more, and it is kept as far as it can be."""


def start_run(
    stored: StoredTrigger, function: ComputeFunction | None, start_request: StartRequest, deps: StartDeps
) -> FunctionRun:
    """The run, recorded and queued, or the one that this cause has started before.

    Raises FunctionNotFound, InvalidRequest, TooLarge, TriggerUnreadable, IdempotencyKeyReused or Unavailable.
    """
    if function is None:
        raise FunctionNotFound(stored.trigger.id)
    parameters = _parameters(parse(open_params(stored, deps.cipher)), start_request)
    run = parameters.of(new_run(stored.trigger, function, start_request, deps.retention, clock.now()))
    if parameters.text is None:
        run, sealed = _unexecutable(run, deps.cipher)
    else:
        sealed = {Part.PARAMETERS: deps.cipher.seal(parameters.text, seal_context(run, Part.PARAMETERS))}
    try:
        if deps.runs.record(run, sealed, seal_key(start_request.key, deps.cipher)) and run.status.is_open:
            deps.queue.push(run)
    except AlreadyStarted as already:
        return run_started_before(already.kept, deps.cipher, deps.runs)
    return run


def _parameters(params: JsonValue, start_request: StartRequest) -> Parameters:
    """Raises InvalidRequest or TooLarge for what can still be corrected."""
    merged = merge(params, start_request.payload)
    return keep_value(merged) if start_request.is_accepted else Parameters(dump(merged, field=start_request.field))


def _unexecutable(run: FunctionRun, cipher: Cipher) -> tuple[FunctionRun, SealedParts]:
    """Ended as it comes to be, so that what has come in is known: with its error. No retry would find more."""
    outcome = Outcome.of_error(PARAMETERS_OMITTED, f"There is nothing to execute. {run.parameters_omitted}")
    return end_before_recorded(run.evolve(retriable=False), outcome, cipher)


def new_run(
    trigger: FunctionTrigger, function: ComputeFunction, start_request: StartRequest, retention: Retention, at: datetime
) -> FunctionRun:
    return FunctionRun(
        id=start_request.run_id or str(uuid.uuid4()),
        workspace=trigger.workspace,
        function_id=function.id,
        function_arn=function.function_arn,
        trigger_id=trigger.id,
        trigger_type=trigger.execution_type,
        execution_source=start_request.source,
        created_at=at,
        orchestration_id=start_request.orchestration_id,
        # What an orchestration has started is retried by the orchestration.
        retriable=trigger.retry_policy is not None and start_request.source is not ExecutionSource.ORCHESTRATION,
        deadline=pending_deadline(at),
        expires_at=at + retention.span,
    )
