"""Execute a trigger: the story of POST …/function-triggers/{triggerId}/execute."""

from pydantic import Field

from handlers.domain.audit.act import Act
from handlers.domain.errors import TriggerDisabled
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.ids import parse_id
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.permissions import check_invokable
from handlers.domain.registry.triggers import own_trigger
from handlers.domain.requests import Body, ContentField, Name
from handlers.domain.runs.run import ExecutionSource, FunctionRun
from handlers.domain.starting.idempotency import IdempotencyKey, run_started_before
from handlers.domain.starting.start import StartDeps, StartRequest, TriggerReader, start_run


class ExecuteBody(Body):
    payload: ContentField = Field(default_factory=dict)
    orchestration_id: Name | None = Field(
        default=None,
        description="The workflow of yours that starts the run. Such a run is never retried and cannot be re-run "
        "(ORCHESTRATION_RUN): the workflow does both.",
    )


def execute_trigger(
    workspace: str,
    trigger_id: str,
    request: ExecuteBody,
    registry: TriggerReader,
    deps: StartDeps,
    *,
    act: Act,
    invokable: InvokablePatterns,
    key: IdempotencyKey | None = None,
) -> FunctionRun:
    """The new run, recorded and queued; or the one that the same request has started before.

    `act` is kept with a new run, and who executes the trigger is known of the run from then on.
    Raises a Refused, or Unavailable.
    """
    known = parse_id(trigger_id)
    found, kept = registry.read_trigger_with_key(known, key) if known else (None, None)
    if kept is not None:
        return run_started_before(kept, deps.cipher, deps.runs)
    stored = own_trigger(workspace, found)
    if not stored.trigger.enabled:
        raise TriggerDisabled
    function = registry.read_function(stored.trigger.function_id)
    if function is not None:
        check_invokable(function, invokable)
    start_request = StartRequest(
        _source(stored.trigger, request), request.payload, orchestration_id=request.orchestration_id, key=key, act=act
    )
    return start_run(stored, function, start_request, deps)


def _source(trigger: FunctionTrigger, request: ExecuteBody) -> ExecutionSource:
    if request.orchestration_id is not None:
        return ExecutionSource.ORCHESTRATION
    own_source = trigger.metadata.execution_source
    return own_source if own_source is ExecutionSource.TRIGGER else ExecutionSource.MANUAL
