"""Re-run a run: the story of POST …/function-runs/{runId}/rerun, step by step.

`prepare` reads, checks and decides; `start.commit` writes. The refusals and their order are the contract's. What can
only be refused at the end (the original is gone meanwhile, or has as many re-runs as it may) fails the one transaction
of `commit`: so a refused request has changed nothing.
"""

from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field

from handlers.domain import clock
from handlers.domain.audit.act import Act, Action
from handlers.domain.audit.override_paths import override_paths
from handlers.domain.errors import (
    EffectKeyUnknown,
    FunctionNotFound,
    InvalidRequest,
    OrchestrationRun,
    RunNotFound,
    TriggerNotFound,
    WrongWorkspace,
)
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.ids import parse_run_id
from handlers.domain.json_document import JsonObject
from handlers.domain.log_context import concerns_run
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.permissions import check_invokable
from handlers.domain.requests import Body, ContentField, Moment, is_blank
from handlers.domain.runs.history import LineageReader
from handlers.domain.runs.recording import RecordedRun, Retention
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Part
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import IdempotencyKey, KeptRequest, digest, run_started_before
from handlers.domain.starting.plan_token import MAX_LENGTH, PlanOf, open_token
from handlers.domain.starting.recovered_check import check_not_recovered
from handlers.domain.starting.rerun_parameters import contents_of, open_for_caller
from handlers.domain.starting.start import NewRun, Started, StartRequest, TriggerReader, new_run

MAX_WAIT = timedelta(days=30)
Effects = Literal["new", "same"]


def when_due(not_before: datetime | None, at: datetime) -> datetime | None:
    """The moment, if it is ahead. Raises InvalidRequest."""
    if not_before is None:
        return None
    if not_before - at > MAX_WAIT:
        raise InvalidRequest("notBefore", f"is more than {MAX_WAIT.days} days ahead.")
    return not_before if not_before > at else None


class PlanBody(Body):
    """What is planned: a re-run's body without the token of a plan."""

    use_latest_code: bool = False
    reason: str | None = Field(default=None, max_length=512)
    override_params: ContentField | None = None
    not_before: Moment | None = None
    if_not_recovered: bool = Field(
        default=False, description="Re-run it only if no run of its lineage has completed, and none is open."
    )
    effects: Effects = Field(
        default="new",
        description="`same`: the function is given the source run's `functionRunEffectKey`, and can tell that its "
        "effects have been made before.",
    )

    def due(self, at: datetime) -> datetime | None:
        """When the re-run is due, if that is not at once. Raises InvalidRequest."""
        return when_due(self.not_before, at)

    def normal_form(self) -> JsonObject:
        """What is asked for, the same however it was written: to leave a field out or to send its default is one.

        A plan's token asks for nothing. Fields that a release adds are left out at their default, so that a request
        repeated across an upgrade is still the same.
        """
        return self.model_dump(exclude={"plan_token"}, exclude_defaults=True) | {
            "use_latest_code": self.use_latest_code,
            "reason": self.reason or None,
            "override_params": self.override_params or None,
            "not_before": None if self.not_before is None else clock.iso(self.not_before),
        }


class RerunBody(PlanBody):
    """The request body of the contract, and what this service adds to it."""

    plan_token: str | None = Field(
        default=None, max_length=MAX_LENGTH, description="Of a plan of this very request: refused if it is outdated."
    )


class RerunRequest(NamedTuple):
    """Who asks for which run to be re-run, and how."""

    workspace: str
    run_id: str
    rerun_by: str
    options: RerunBody
    key: IdempotencyKey | None = None
    reveals: bool = False
    """Whether the caller may see parameters."""

    @property
    def plan_of(self) -> PlanOf:
        """What a plan of it is of. Raises InvalidRunId."""
        body = digest(self.options.normal_form()).hex()
        return PlanOf(self.workspace, parse_run_id(self.run_id), self.rerun_by, body)


class KeyedRunReader(LineageReader, Protocol):
    def read_with_key(
        self, run_id: str, part: Part, key: IdempotencyKey | None
    ) -> tuple[RecordedRun | None, KeptRequest | None]:
        """A run with one of its parts, and what is kept under the key: in one call."""


class RerunDeps(NamedTuple):
    """What it takes to decide on a re-run, or on an automatic retry. Nothing of it writes."""

    runs: KeyedRunReader
    registry: TriggerReader
    cipher: Cipher
    invokable: InvokablePatterns
    retention: Retention


class Rerunnable(NamedTuple):
    """A run that can be executed again, with its trigger, its function and its opened parameters."""

    source: FunctionRun
    trigger: FunctionTrigger
    function: ComputeFunction
    parameters: bytes


def check_reason(reason: str | None, *, required: bool) -> None:
    """To be asked before anything is read, of all that people start again by hand. Raises InvalidRequest."""
    if required and is_blank(reason or ""):
        raise InvalidRequest("reason", "is required in this installation (the setting requireReason).")


def prepare(request: RerunRequest, deps: RerunDeps) -> NewRun | Started:
    """Read, check, merge and decide, and write nothing. The run that the same request has started before, if it has.

    Raises a Refused, or Unavailable.
    """
    options, at = request.options, clock.now()
    token = options.plan_token
    planned = None if token is None else open_token(token, request.plan_of, deps.cipher)
    found = read_rerunnable(request.workspace, request.run_id, request.key, deps)
    if isinstance(found, Started):
        return found
    source, trigger, function, parameters = found
    pin = None if options.use_latest_code else source.pin
    run = rerun_of(
        source,
        trigger,
        function,
        deps.retention,
        at,
        not_before=options.due(at),
        effect_key=effect_key_of(source, options.effects),
        planned_code=planned.check(source, trigger, function, pin) if planned else None,
        pin=pin,
        rerun_by=request.rerun_by,
        rerun_reason=options.reason or None,
        use_latest_code=options.use_latest_code,
        retriable=trigger.retry_policy is not None and trigger.retry_policy.retry_manual_reruns,
    )
    expected_reruns = check_not_recovered(source, deps.runs, deps.retention) if options.if_not_recovered else None
    # The last of all checks: how large they are together is not to be learnt from requests that are refused anyway.
    contents = contents_of(source, parameters, options.override_params, reveals=request.reveals)
    act = Act.done(
        Action.RERUN,
        request.rerun_by,
        source.workspace,
        kept_for=deps.retention.of_acts,
        run_id=source.id,
        job_id=run.id,
        trigger_id=trigger.id,
        function_id=function.id,
        reason=run.rerun_reason,
        use_latest_code=run.use_latest_code,
        override_paths=override_paths(options.override_params or {}),
    )
    return NewRun(run, contents, request.key, act, expected_reruns)


def read_rerunnable(workspace: str, run_id: str, key: IdempotencyKey | None, deps: RerunDeps) -> Rerunnable | Started:
    """The run with all that executing it again takes, or what the same request has started before.

    Raises a Refused, in the contract's order, or Unavailable.
    """
    recorded, kept = deps.runs.read_with_key(parse_run_id(run_id), Part.PARAMETERS, key)
    if kept is not None:
        return Started(run_started_before(kept, deps.cipher, deps.runs), is_new=False)
    found = found_in(workspace, recorded)
    source = found.run
    check_not_of_a_workflow(source)
    concerns_run(source.id, source.lineage_id)
    parameters = open_for_caller(found, deps.cipher)
    trigger, function = check_startable(
        deps.registry.read_trigger_and_function(source.trigger_id, source.function_id), deps.invokable
    )
    return Rerunnable(source, trigger, function, parameters)


def found_in(workspace: str, recorded: RecordedRun | None) -> RecordedRun:
    """Raises RunNotFound or WrongWorkspace."""
    if recorded is None:
        raise RunNotFound
    if recorded.run.workspace != workspace:
        raise WrongWorkspace
    return recorded


def check_not_of_a_workflow(source: FunctionRun) -> None:
    """Raises OrchestrationRun."""
    if source.execution_source is ExecutionSource.ORCHESTRATION:
        raise OrchestrationRun(source.orchestration_id)


def effect_key_of(source: FunctionRun, effects: Effects) -> str | None:
    """The key that the re-run is to have instead of its own. Raises EffectKeyUnknown."""
    if effects == "new":
        return None
    if source.effect_key is None and source.execution_attempts == 0:
        raise EffectKeyUnknown
    return source.effects_under


def check_startable(
    found: tuple[FunctionTrigger | None, ComputeFunction | None], invokable: InvokablePatterns
) -> tuple[FunctionTrigger, ComputeFunction]:
    """A run's trigger and function, if they are still there and the workspace may still invoke the function.

    A bus is not asked for: a re-run listens to none. Raises TriggerNotFound, FunctionNotFound or FunctionNotPermitted.
    """
    trigger, function = found
    if trigger is None:
        raise TriggerNotFound
    if function is None:
        raise FunctionNotFound(trigger.id)
    check_invokable(function, invokable)
    return trigger, function


def rerun_of(
    source: FunctionRun,
    trigger: FunctionTrigger,
    function: ComputeFunction,
    retention: Retention,
    at: datetime,
    *,
    not_before: datetime | None,
    **choices: Any,
) -> FunctionRun:
    """A pending run of the source's lineage. `choices` say who re-runs it, why, and on which code."""
    run = new_run(trigger, function, StartRequest(ExecutionSource.RERUN, {}), retention, at, not_before=not_before)
    return run.evolve(
        trigger_type=source.trigger_type,
        is_rerun=True,
        original_run_id=source.lineage_id,
        source_run_id=source.id,
        parameters_format=source.parameters_format,
        **choices,
    )
