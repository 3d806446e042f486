"""Start a run: what a trigger, its function and what has come in for them make of it, recorded and queued.

All that comes in ends here: a trigger that is executed, a webhook, a schedule, an event.
"""

import uuid
from datetime import datetime
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct, seal_act
from handlers.domain.error_groups.fingerprint import group_id
from handlers.domain.errors import FunctionNotFound, TooLarge
from handlers.domain.json_document import MAX_BYTES, JsonObject, dump, merge, parse
from handlers.domain.log_context import concerns_run
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.ports import FunctionReader
from handlers.domain.registry.triggers import open_params
from handlers.domain.runs.due import first_deadline, push_when_due
from handlers.domain.runs.finish import ended_before_recorded
from handlers.domain.runs.outcome import PARAMETERS_OMITTED, Outcome, pack
from handlers.domain.runs.parameters import Parameters, keep_value
from handlers.domain.runs.ports import RunQueue, RunReader
from handlers.domain.runs.recording import Retention, SealedParts, seal_parts
from handlers.domain.runs.run import ErrorSource, ExecutionSource, FunctionRun, Part
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import (
    AlreadyStarted,
    IdempotencyKey,
    KeptRequest,
    SealedKey,
    run_started_before,
    seal_key,
)


class RunRecorder(RunReader, Protocol):
    """Records new runs, and reads those that were started before. What it writes, it writes all or nothing."""

    def record(
        self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None, act: SealedAct | None = None
    ) -> bool:
        """Run, sealed parts and the act that starts it. False if there is a run of this id.

        Raises AlreadyStarted or Unavailable.
        """

    def record_rerun(
        self,
        run: FunctionRun,
        parts: SealedParts,
        key: SealedKey | None = None,
        act: SealedAct | None = None,
        expected_reruns: int | None = None,
    ) -> bool:
        """Run, sealed parts, the act, lineage edge and the original's count. False if there is a run of this id.

        Raises AlreadyStarted, RunNotFound if the original is gone, NoParameters if its source is erased meanwhile,
        RerunLimitReached, LineageMoved if it has not as many re-runs as expected, or Unavailable.
        """


class LineageMoved(Exception):
    """It has been re-run since it was looked at."""


class TriggerReader(FunctionReader, Protocol):
    """Reads what starts a run, each time in one call. Every method raises Unavailable when AWS does not answer."""

    def read_trigger_with_key(
        self, trigger_id: str, key: IdempotencyKey | None
    ) -> tuple[StoredTrigger | None, KeptRequest | None]:
        """A trigger, and what is kept under the key."""

    def read_trigger_with_function(self, trigger_id: str) -> tuple[StoredTrigger, ComputeFunction | None] | None: ...

    def read_webhook(self, workspace: str, path: str) -> tuple[StoredTrigger, ComputeFunction | None] | None: ...

    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]: ...


class StartDeps(NamedTuple):
    """What starting a run needs."""

    runs: RunRecorder
    cipher: Cipher
    queue: RunQueue | None
    """None for who pushes many runs together, once all are recorded."""
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
    act: Act | None = None
    """What somebody does by it; None of what comes in by itself."""
    is_accepted: bool = False
    """Accepted by AWS: nobody can correct it any more, and it is kept as far as it can be."""


class NewRun(NamedTuple):
    """A run that has been decided on. Nothing of it is written yet."""

    run: FunctionRun
    contents: dict[Part, bytes]
    """What is to be sealed beside it."""
    key: IdempotencyKey | None = None
    act: Act | None = None
    """What somebody did to start it; None of what starts by itself."""
    expected_reruns: int | None = None
    """Of a re-run that was decided on by what its lineage is: how many re-runs this must have still."""


class Started(NamedTuple):
    run: FunctionRun
    is_new: bool
    """False if the same request, or the same event, has started it before."""


def commit(new: NewRun, deps: StartDeps) -> Started:
    """Record the run in one transaction and push it, unless it was started before.

    From here on log lines concern the run that is started or, as they did before, the source of a re-run.
    Raises IdempotencyKeyReused or Unavailable; of a re-run RunNotFound, NoParameters, RerunLimitReached or
    LineageMoved, too.
    """
    run, parts = new.run, seal_parts(new.run, new.contents, deps.cipher)
    key, act = seal_key(new.key, deps.cipher), seal_act(new.act, deps.cipher)
    try:
        if run.is_rerun:
            is_new = deps.runs.record_rerun(run, parts, key, act, new.expected_reruns)
        else:
            is_new = deps.runs.record(run, parts, key, act)
    except AlreadyStarted as already:
        return Started(run_started_before(already.kept, deps.cipher, deps.runs), is_new=False)
    concerns_run(run.source_run_id or run.id, run.lineage_id)
    if is_new and run.status.is_open and deps.queue is not None:
        push_when_due(run, deps.queue)
    return Started(run, is_new)


def start_run(
    stored: StoredTrigger, function: ComputeFunction | None, request: StartRequest, deps: StartDeps
) -> FunctionRun:
    """The run, recorded and queued, or the one that the same request has started before.

    Raises FunctionNotFound, InvalidRequest, TooLarge, TriggerUnreadable, IdempotencyKeyReused or Unavailable.
    """
    if function is None:
        raise FunctionNotFound(stored.trigger.id)
    parameters = _parameters(open_params(stored, deps.cipher), request)
    run = parameters.of(new_run(stored.trigger, function, request, deps.retention, clock.now()))
    if parameters.text is None:
        return commit(_unexecutable(run), deps).run
    act = request.act and request.act.evolve(job_id=run.id, trigger_id=run.trigger_id, function_id=run.function_id)
    return commit(NewRun(run, {Part.PARAMETERS: parameters.text}, request.key, act), deps).run


def _parameters(params: bytes, request: StartRequest) -> Parameters:
    """Raises InvalidRequest or TooLarge for what can still be corrected."""
    merged = merge(parse(params), request.payload)
    if request.is_accepted:
        return keep_value(merged)
    sent = dump(request.payload, field=request.field)
    # Measured beside each other: the size of what is merged would tell which keys the params have.
    if params != b"{}" and len(params) + len(sent) > MAX_BYTES:
        raise TooLarge(request.field, f"is too large beside the trigger's params: {MAX_BYTES} bytes together, as JSON.")
    return Parameters(dump(merged, field=request.field))


def _unexecutable(run: FunctionRun) -> NewRun:
    """Recorded as already failed, so that the event is visible. No retry would find more."""
    outcome = Outcome.of_error(PARAMETERS_OMITTED, f"There is nothing to execute. {run.parameters_omitted}")
    group = group_id(run.function_id, ErrorSource.SERVICE, PARAMETERS_OMITTED)
    ended = ended_before_recorded(run.evolve(retriable=False), outcome, group)
    return NewRun(ended, {Part.OUTCOME: pack(outcome.contents())})


def new_run(
    trigger: FunctionTrigger,
    function: ComputeFunction,
    request: StartRequest,
    retention: Retention,
    at: datetime,
    *,
    not_before: datetime | None = None,
) -> FunctionRun:
    """A pending run, made now and not due before that moment."""
    return FunctionRun(
        id=request.run_id or str(uuid.uuid4()),
        workspace=trigger.workspace,
        function_id=function.id,
        function_arn=function.function_arn,
        trigger_id=trigger.id,
        trigger_type=trigger.execution_type,
        execution_source=request.source,
        created_at=at,
        not_before=not_before,
        orchestration_id=request.orchestration_id,
        started_by=request.act.by if request.act else None,
        # What an orchestration has started is retried by the orchestration.
        retriable=trigger.retry_policy is not None and request.source is not ExecutionSource.ORCHESTRATION,
        deadline=first_deadline(at, not_before),
        expires_at=(not_before or at) + retention.span,
    )
