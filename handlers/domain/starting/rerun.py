"""Re-run a run: the story of POST …/function-runs/{runId}/rerun, step by step.

The refusals and their order are the contract's. A refused request has changed nothing: a re-run comes to be in the
last step but one, in a single transaction.
"""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from pydantic import Field

from handlers.domain import clock
from handlers.domain.errors import (
    DecryptionFailed,
    FunctionNotFound,
    InvalidRequest,
    NoParameters,
    OrchestrationRun,
    RunNotFound,
    TriggerNotFound,
    WrongWorkspace,
)
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.ids import parse_run_id
from handlers.domain.json_document import JsonObject, JsonValue, dump, parse
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.permissions import check_invokable
from handlers.domain.requests import Body, ContentField, Moment
from handlers.domain.runs.due import first_deadline, push_when_due
from handlers.domain.runs.ports import RunQueue, RunReader, RunTransitions
from handlers.domain.runs.recording import RecordedRun, Retention, seal_context
from handlers.domain.runs.run import ExecutionSource, FunctionRun, ParametersFormat, Part, Status
from handlers.domain.seal import Cipher, SealBroken
from handlers.domain.starting.idempotency import (
    AlreadyStarted,
    IdempotencyKey,
    KeptRequest,
    run_started_before,
    seal_key,
)
from handlers.domain.starting.merge import merge
from handlers.domain.starting.start import RunRecorder

MAX_WAIT = timedelta(days=30)


class RerunBody(Body):
    """The request body of the contract, and the moment before which the re-run must not be executed."""

    use_latest_code: bool = False
    reason: str | None = Field(default=None, max_length=512)
    override_params: ContentField | None = None
    not_before: Moment | None = None

    def due(self, at: datetime) -> datetime | None:
        """When the re-run is due, if that is not at once. Raises InvalidRequest."""
        if self.not_before is None:
            return None
        if self.not_before - at > MAX_WAIT:
            raise InvalidRequest("notBefore", f"is more than {MAX_WAIT.days} days ahead.")
        return self.not_before if self.not_before > at else None

    def normal_form(self) -> JsonObject:
        """What is asked for, the same however it was written: to leave a field out or to send its default is one."""
        return self.model_dump() | {
            "reason": self.reason or None,
            "override_params": self.override_params or None,
            "not_before": None if self.not_before is None else clock.iso(self.not_before),
        }


class RerunRequest(NamedTuple):
    """Who asks for which run to be re-run, and how."""

    workspace: str
    run_id: str
    rerun_by: str
    options: RerunBody
    key: IdempotencyKey | None = None


class KeyedRunReader(RunReader, Protocol):
    def read_with_key(
        self, run_id: str, part: Part, key: IdempotencyKey | None
    ) -> tuple[RecordedRun | None, KeptRequest | None]:
        """A run with one of its parts, and what is kept under the key: in one call."""


class RerunRuns(KeyedRunReader, RunRecorder, RunTransitions, Protocol): ...


class FunctionAndTriggerReader(Protocol):
    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]: ...


class RerunDeps(NamedTuple):
    """What a re-run needs, whether somebody asks for it or a retry policy."""

    runs: RerunRuns
    registry: FunctionAndTriggerReader
    cipher: Cipher
    queue: RunQueue
    retention: Retention
    invokable: InvokablePatterns


def rerun(request: RerunRequest, deps: RerunDeps) -> FunctionRun:
    """The new run, recorded and queued; or the one that the same request has started before.

    Raises a Refused, or Unavailable.
    """
    recorded, kept = deps.runs.read_with_key(parse_run_id(request.run_id), Part.PARAMETERS, request.key)
    if kept is not None:
        return run_started_before(kept, deps.cipher, deps.runs)
    try:
        return _rerun(request, recorded, deps)
    except AlreadyStarted as already:
        return run_started_before(already.kept, deps.cipher, deps.runs)


def _rerun(request: RerunRequest, recorded: RecordedRun | None, deps: RerunDeps) -> FunctionRun:
    found = _rerunnable(request, recorded)
    source = found.run
    parameters = _opened(found, deps.cipher)
    trigger, function = trigger_and_function_of(source, deps.registry, deps.invokable)
    at = clock.now()
    copied = copy_of(source, function, Copy(at, request.options.due(at), deps.retention))
    new = _as_asked(copied, source, request, trigger)
    parts = _parts(source, parameters, request.options.override_params)
    sealed = {part: deps.cipher.seal(content, seal_context(new, part)) for part, content in parts.items()}
    deps.runs.record_rerun(new, sealed, seal_key(request.key, deps.cipher))
    push_when_due(new, deps.queue)
    return new


def _rerunnable(request: RerunRequest, recorded: RecordedRun | None) -> RecordedRun:
    if recorded is None:
        raise RunNotFound
    if recorded.run.workspace != request.workspace:
        raise WrongWorkspace
    if recorded.run.execution_source is ExecutionSource.ORCHESTRATION:
        raise OrchestrationRun(recorded.run.orchestration_id)
    return recorded


def _opened(recorded: RecordedRun, cipher: Cipher) -> bytes:
    try:
        return open_parameters(recorded, cipher)
    except SealBroken as broken:
        raise DecryptionFailed from broken


def open_parameters(recorded: RecordedRun, cipher: Cipher) -> bytes:
    """Raises NoParameters, SealBroken, KeyRefused or Unavailable."""
    sealed = recorded.sealed()
    if sealed is None:
        raise NoParameters
    return cipher.open(sealed, seal_context(recorded.run, Part.PARAMETERS))


def trigger_and_function_of(
    source: FunctionRun, registry: FunctionAndTriggerReader, invokable: InvokablePatterns
) -> tuple[FunctionTrigger, ComputeFunction]:
    """The run's trigger and function as they are now.

    Raises TriggerNotFound, FunctionNotFound or FunctionNotPermitted. A bus is not asked for: a re-run listens to none.
    """
    trigger, function = registry.read_trigger_and_function(source.trigger_id, source.function_id)
    if trigger is None:
        raise TriggerNotFound
    if function is None:
        raise FunctionNotFound(trigger.id)
    check_invokable(function, invokable)
    return trigger, function


class Copy(NamedTuple):
    """When a run is copied, when its copy is due, and how long that is kept."""

    at: datetime
    not_before: datetime | None
    retention: Retention


def copy_of(source: FunctionRun, function: ComputeFunction, copy: Copy) -> FunctionRun:
    """A pending run of the source's lineage. Who re-runs it, why and on which code is the caller's to say."""
    return FunctionRun(
        id=str(uuid.uuid4()),
        workspace=source.workspace,
        function_id=source.function_id,
        function_arn=function.function_arn,
        trigger_id=source.trigger_id,
        trigger_type=source.trigger_type,
        execution_source=ExecutionSource.RERUN,
        status=Status.PENDING,
        created_at=copy.at,
        not_before=copy.not_before,
        is_rerun=True,
        original_run_id=source.lineage_id,
        source_run_id=source.id,
        parameters_format=source.parameters_format,
        deadline=first_deadline(copy.at, copy.not_before),
        expires_at=(copy.not_before or copy.at) + copy.retention.span,
    )


def _as_asked(copied: FunctionRun, source: FunctionRun, request: RerunRequest, trigger: FunctionTrigger) -> FunctionRun:
    policy = trigger.retry_policy
    return copied.evolve(
        pin=None if request.options.use_latest_code else source.pin,
        rerun_by=request.rerun_by,
        rerun_reason=request.options.reason or None,
        use_latest_code=request.options.use_latest_code,
        retriable=policy is not None and policy.retry_manual_reruns,
    )


def _parts(source: FunctionRun, parameters: bytes, overrides: JsonObject | None) -> dict[Part, bytes]:
    if not overrides:
        # The source's very bytes go on: nothing is read and written anew.
        return {Part.PARAMETERS: parameters}
    merged = merge(_read(source, parameters), overrides)
    return {
        Part.PARAMETERS: dump(merged, field="overrideParams"),
        Part.OVERRIDES: dump(overrides, field="overrideParams"),
    }


def _read(source: FunctionRun, parameters: bytes) -> JsonValue:
    """Raises InvalidRequest if the overrides cannot be merged into them, whatever these are."""
    if source.parameters_format is ParametersFormat.JSON:
        with suppress(InvalidRequest):  # of an earlier release, which measured what it kept in another way
            return parse(parameters)
    raise InvalidRequest(
        "overrideParams",
        "cannot be merged: the parameters of this run are kept as a text (parametersFormat raw), because they are JSON "
        "that cannot be read and written without loss. Re-run it without overrides.",
    )
