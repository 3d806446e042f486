"""What api_rerun_plan answers."""

from http import HTTPStatus
from typing import Any, Literal, Self

from pydantic import Field

from handlers.api import examples
from handlers.api.operations import REVEAL, Grant, Operation, Reveals
from handlers.api.views import AnyContent, Refusal, RetryPolicyView, View, absent_if_none
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.runs.run import FunctionRun, Pin, Status
from handlers.domain.starting.parameter_changes import Change
from handlers.domain.starting.plan import CodePlan, Plan
from handlers.domain.starting.rerun import PlanBody


class PlannedSource(View):
    """The run that would be re-run, and what it has executed."""

    run_id: str
    status: Status
    function_id: str
    function_arn: str = Field(description="As it was registered when the run was started.")
    function_version: str | None
    function_code_hash: str | None
    config_hash: str | None

    @classmethod
    def of(cls, run: FunctionRun, pin: Pin | None) -> Self:
        known = vars(run) | (vars(pin) if pin else {"function_code_hash": None, "config_hash": None})
        return cls.model_validate(known | {"run_id": run.id, "function_version": run.function_version})


class PlannedCode(View):
    used: Literal["pinned", "current"] = Field(
        description="`pinned`: the version that the source run has executed. `current`: what the function's code is "
        "when the re-run is executed."
    )
    pinned_version_exists: bool | None = Field(description="null: it is not used, or could not be read.")
    current_version: str | None = Field(
        description="A version that is this code, configured like this: the alias's, or the source run's if neither "
        "differs. null: none is known, and nothing is published for a plan."
    )
    current_code_hash: str | None
    current_config_hash: str | None
    code_differs: bool | None = Field(
        description="Whether the current code is another than the source run's; null: one of them is not known."
    )
    configuration_differs: bool | None
    fails_with: str | None = Field(
        description="The `errorCode` that the re-run would fail with, unexecuted, as things are now: its version has "
        "been deleted, for example."
    )

    @classmethod
    def of(cls, code: CodePlan) -> Self:
        now = code.now
        return cls(
            used=code.used,
            pinned_version_exists=code.then_exists,
            current_version=code.current_version,
            current_code_hash=now and now.function_code_hash,
            current_config_hash=now and now.config_hash,
            code_differs=code.code_differs,
            configuration_differs=code.configuration_differs,
            fails_with=code.fails_with,
        )


class PlannedFunction(View):
    """As it is registered now."""

    id: str
    name: str
    function_arn: str
    version: int


class PlannedTrigger(View):
    id: str
    name: str
    enabled: bool
    version: int


_ABSENT: Any = object()


def _value(**about: Any) -> Any:
    """A field for any JSON value, null among them, that is left out where none is shown."""
    return Field(default_factory=lambda: _ABSENT, exclude_if=lambda value: value is _ABSENT, **about)


class PlannedChange(View):
    pointer: str = Field(description="A JSON Pointer (RFC 6901) into the parameters.")
    kind: Literal["added", "changed"]
    before: AnyContent = _value()
    after: AnyContent = _value()

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(pointer=change.pointer, kind=change.kind, **change.values)


class PlannedSetting(View):
    pointer: str = Field(description="A JSON Pointer (RFC 6901) into `overrideParams`.")
    value: AnyContent = _value()

    @classmethod
    def of(cls, change: Change) -> Self:
        return cls(pointer=change.pointer, **change.values)


class RerunPlan(View):
    """What a re-run with the same body would do, as things are now."""

    source: PlannedSource
    code: PlannedCode | None = Field(description="null: there is no function that may be invoked.")
    function: PlannedFunction | None
    trigger: PlannedTrigger | None
    executions: int = Field(
        description="How often the function is executed for it, at most: once, and once for each automatic retry. Not "
        "counted is what is executed again because its outcome was lost (`executionAttempts`). 0: there are refusals, "
        "or `failsWith`."
    )
    retry_policy: RetryPolicyView | None = Field(description="As it acts on the re-run; null: it is not retried.")
    not_before: Timestamp | None
    effects: Literal["new", "same"]
    refusals: list[Refusal] = Field(
        description="All reasons why the re-run would be refused, in the order in which they are checked."
    )
    changes: list[PlannedChange] | None = absent_if_none(
        description="What the overrides change in the parameters, for callers with the grant function-runs:reveal."
    )
    changes_need: str | None = absent_if_none(description="The grant that shows `changes`.")
    set: list[PlannedSetting] | None = absent_if_none(
        description="For callers without that grant: what `overrideParams` sets, whatever it replaces."
    )
    is_cut: bool = Field(
        description="Whether `changes` or `set` is not all: there are more, or a value of over 20,000 characters."
    )
    plan_token: str | None = Field(
        description="Sent with the re-run within an hour, it lets this be refused if anything has changed. It may be "
        "used more than once: an `Idempotency-Key` makes one re-run of a request that is repeated. null: there are "
        "refusals."
    )

    @classmethod
    def of(cls, plan: Plan, *, reveals: bool) -> Self:
        changes = plan.changes
        return cls(
            source=PlannedSource.of(plan.source, plan.code.then if plan.code else plan.source.pin),
            code=None if plan.code is None else PlannedCode.of(plan.code),
            function=plan.function and PlannedFunction.model_validate(plan.function),
            trigger=plan.trigger and PlannedTrigger.model_validate(plan.trigger),
            executions=plan.executions,
            retry_policy=plan.retry_policy and RetryPolicyView.model_validate(plan.retry_policy),
            not_before=plan.not_before,
            effects=plan.effects,
            refusals=[Refusal.of(each) for each in plan.refusals],
            changes=[PlannedChange.of(each) for each in changes.found] if changes and reveals else None,
            changes_need=None if reveals else str(REVEAL),
            set=[PlannedSetting.of(each) for each in changes.found] if changes and not reveals else None,
            is_cut=changes is not None and changes.is_cut,
            plan_token=plan.token,
        )


PLAN_RERUN = Operation(
    id="planRerun",
    entry_point="api_rerun_plan",
    method="POST",
    path="/function-runs/{runId}/rerun-plan",
    access=Grant("function-triggers", "execute"),
    summary="Plan a re-run",
    description="Takes the body of a re-run, but for `planToken`, and says what it would do, or all reasons why it "
    "would be refused. Nothing is written, published or invoked. Callers with the grant function-runs:reveal see what "
    "the overrides change.",
    request=PlanBody,
    example={"overrideParams": {"order": {"carrier": "dhl"}}, "useLatestCode": True},
    responses={HTTPStatus.OK: RerunPlan},
    answer=examples.PLAN,
    refusals=(errors.InvalidRunId, errors.RunNotFound, errors.WrongWorkspace),
    audited="plan-rerun",
    reveals=Reveals(REVEAL),
)
