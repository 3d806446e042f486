"""Re-run a run: the story of POST …/function-runs/{runId}/rerun, step by step.

The refusals and their order are the contract's. A refused request has changed nothing: a re-run comes to be in the
last step but one, in a single transaction.
"""

import uuid
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from pydantic import Field

from handlers.domain import clock
from handlers.domain.errors import (
    DecryptionFailed,
    FunctionNotFound,
    NoParameters,
    OrchestrationRun,
    RunNotFound,
    TriggerNotFound,
    WrongWorkspace,
)
from handlers.domain.json_document import JsonObject, dump, parse
from handlers.domain.merge import merge
from handlers.domain.recording import RecordedRun, Retention, RunQueue, SealedParts, label
from handlers.domain.registry import ComputeFunction, FunctionTrigger
from handlers.domain.requests import Body
from handlers.domain.run import FunctionRun, Part, Source, Status, parse_run_id, pending_deadline
from handlers.domain.seal import Cipher, SealBroken


class RerunBody(Body):
    """The request body of the contract."""

    use_latest_code: bool = False
    reason: str | None = Field(default=None, max_length=512)
    override_params: dict[str, Any] | None = None


class Asked(NamedTuple):
    """Who asks for which run to be re-run, and how."""

    workspace: str
    run_id: str
    rerun_by: str
    how: RerunBody


class Runs(Protocol):
    def read(self, run_id: str, part: Part) -> RecordedRun | None: ...

    def record_rerun(self, run: FunctionRun, parts: SealedParts) -> bool:
        """Run, sealed parts, lineage edge and the original's count, all or nothing. False if there is a run of this id.

        Raises RunNotFound if the original is gone, RerunLimitReached, TooLarge or Unavailable.
        """


class Registry(Protocol):
    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]: ...


class Rerunner(NamedTuple):
    """What a re-run needs."""

    runs: Runs
    registry: Registry
    cipher: Cipher
    queue: RunQueue
    retention: Retention


def rerun(asked: Asked, using: Rerunner) -> FunctionRun:
    """The new run, recorded and queued. Raises a Refused, or Unavailable."""
    source, sealed = _original(asked, using.runs)
    parameters = _open_parameters(source, sealed, using.cipher)
    function = _function(source, using.registry)
    new = _rerun_of(source, asked, function, using.retention, clock.now())
    parts = _seal_parts(new, parameters, asked.how.override_params, using.cipher)
    using.runs.record_rerun(new, parts)
    using.queue.push(new)
    return new


def _original(asked: Asked, runs: Runs) -> RecordedRun:
    recorded = runs.read(parse_run_id(asked.run_id), Part.PARAMETERS)
    if recorded is None:
        raise RunNotFound
    if recorded.run.workspace != asked.workspace:
        raise WrongWorkspace
    if recorded.run.execution_source is Source.ORCHESTRATION:
        raise OrchestrationRun(recorded.run.orchestration_id)
    return recorded


def _open_parameters(source: FunctionRun, sealed: bytes | None, cipher: Cipher) -> bytes:
    if sealed is None:
        raise NoParameters
    try:
        return cipher.open(sealed, label(source, Part.PARAMETERS))
    except SealBroken as broken:
        raise DecryptionFailed from broken


def _function(source: FunctionRun, registry: Registry) -> ComputeFunction:
    trigger, function = registry.read_trigger_and_function(source.trigger_id, source.function_id)
    if trigger is None:
        raise TriggerNotFound
    if function is None:
        raise FunctionNotFound(trigger.id)
    return function


def _rerun_of(
    source: FunctionRun, asked: Asked, function: ComputeFunction, retention: Retention, at: datetime
) -> FunctionRun:
    return FunctionRun(
        id=str(uuid.uuid4()),
        workspace=source.workspace,
        function_id=source.function_id,
        function_arn=function.function_arn,
        trigger_id=source.trigger_id,
        trigger_type=source.trigger_type,
        execution_source=Source.RERUN,
        status=Status.PENDING,
        created_at=at,
        pin=None if asked.how.use_latest_code else source.pin,
        is_rerun=True,
        original_run_id=source.lineage_id,
        source_run_id=source.id,
        rerun_by=asked.rerun_by,
        rerun_reason=asked.how.reason,
        use_latest_code=asked.how.use_latest_code,
        deadline=pending_deadline(at),
        expires_at=at + retention.span,
    )


def _seal_parts(new: FunctionRun, parameters: bytes, overrides: JsonObject | None, cipher: Cipher) -> SealedParts:
    parts: dict[Part, bytes] = {Part.PARAMETERS: parameters}
    if overrides:
        # Without overrides the source's very bytes go on: nothing is read and written anew.
        merged = merge(parse(parameters), overrides)
        parts[Part.PARAMETERS] = dump(merged, field="overrideParams")
        parts[Part.OVERRIDES] = dump(overrides, field="overrideParams")
    return {part: cipher.seal(content, label(new, part)) for part, content in parts.items()}
