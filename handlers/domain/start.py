"""Start a run: the story of POST …/function-triggers/{triggerId}/execute, step by step."""

import uuid
from typing import Any, NamedTuple, Protocol

from pydantic import Field

from handlers.domain import clock
from handlers.domain.errors import FunctionNotFound, TriggerDisabled
from handlers.domain.json_document import dump, parse
from handlers.domain.merge import merge
from handlers.domain.recording import Retention, RunQueue, SealedParts, label
from handlers.domain.registry import ComputeFunction, FunctionTrigger, Triggers
from handlers.domain.requests import Body
from handlers.domain.run import ExecutionType, FunctionRun, Part, Source, pending_deadline
from handlers.domain.seal import Cipher
from handlers.domain.triggers import find_trigger, open_params


class ExecuteBody(Body):
    payload: dict[str, Any] = Field(default_factory=dict)
    orchestration_id: str | None = Field(default=None, min_length=1, max_length=128)


class Runs(Protocol):
    def record(self, run: FunctionRun, parts: SealedParts) -> None:
        """Run and sealed parts, all or nothing. Raises TooLarge or Unavailable."""


class Registry(Triggers, Protocol):
    def read_function(self, function_id: str) -> ComputeFunction | None: ...


class Starter(NamedTuple):
    """What starting a run needs."""

    runs: Runs
    registry: Registry
    cipher: Cipher
    queue: RunQueue
    retention: Retention


def start(workspace: str, trigger_id: str, asked: ExecuteBody, using: Starter) -> FunctionRun:
    """The new run, recorded and queued. Raises a Refused, or Unavailable."""
    stored = find_trigger(workspace, trigger_id, using.registry)
    trigger = stored.trigger
    if not trigger.enabled:
        raise TriggerDisabled
    function = using.registry.read_function(trigger.function_id)
    if function is None:
        raise FunctionNotFound(trigger.id)
    params = open_params(stored, using.cipher)
    parameters = dump(merge(parse(params), asked.payload), field="payload")
    run = _new_run(trigger, function, asked, using.retention)
    using.runs.record(run, {Part.PARAMETERS: using.cipher.seal(parameters, label(run, Part.PARAMETERS))})
    using.queue.push(run)
    return run


def _new_run(
    trigger: FunctionTrigger, function: ComputeFunction, asked: ExecuteBody, retention: Retention
) -> FunctionRun:
    at = clock.now()
    return FunctionRun(
        id=str(uuid.uuid4()),
        workspace=trigger.workspace,
        function_id=function.id,
        function_arn=function.function_arn,
        trigger_id=trigger.id,
        trigger_type=trigger.execution_type,
        execution_source=_source(trigger, asked),
        created_at=at,
        orchestration_id=asked.orchestration_id,
        deadline=pending_deadline(at),
        expires_at=at + retention.span,
    )


def _source(trigger: FunctionTrigger, asked: ExecuteBody) -> Source:
    if asked.orchestration_id is not None:
        return Source.ORCHESTRATION
    return Source.TRIGGER if trigger.execution_type is ExecutionType.ON_DEMAND else Source.MANUAL
