"""Plan a re-run: what POST …/rerun with the same body would do, and nothing is done.

Where a re-run is refused for the first reason that there is, a plan lists all of them, in the same order.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import (
    FunctionNotFound,
    FunctionNotPermitted,
    Refused,
    RerunLimitReached,
    RunNotFound,
    TriggerNotFound,
    Unavailable,
)
from handlers.domain.function_arns import LATEST, InvokablePatterns, base_arn
from handlers.domain.ids import parse_run_id
from handlers.domain.json_document import dump
from handlers.domain.log_context import concerns_run
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.runs.outcome import TIMEOUT_TOO_LONG, VERSION_NOT_FOUND, PermanentFailure, RetryLater
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import FunctionRun, Part, Pin
from handlers.domain.seal import Cipher
from handlers.domain.starting import rerun
from handlers.domain.starting.parameter_changes import NO_CHANGES, Changes, changes_of, settings_of
from handlers.domain.starting.plan_token import seal_token, token_of
from handlers.domain.starting.recovered_check import refuse_unless_recoverable
from handlers.domain.starting.rerun import RerunRequest
from handlers.domain.starting.rerun_parameters import contents_of, open_for_caller, read_parameters


class CodeReader(Protocol):
    def read(self, function_arn: str) -> Pin:
        """The code that the ARN names now, of which nothing is published. Raises RetryLater or PermanentFailure."""


class Surroundings(NamedTuple):
    """What a re-run has to do with besides its source. None is what is gone."""

    trigger: FunctionTrigger | None
    function: ComputeFunction | None
    original: FunctionRun | None
    newest: list[FunctionRun]
    """The newest re-runs of the lineage, newest first, if asked for: about a hundred."""


class SurroundingsReader(Protocol):
    def read(self, source: FunctionRun, *, with_reruns: bool) -> Surroundings:
        """By one read, or by two with the re-runs. Raises Unavailable."""


class PlanDeps(NamedTuple):
    """What it takes to plan a re-run. Nothing of it writes."""

    runs: RunReader
    surroundings: SurroundingsReader
    cipher: Cipher
    invokable: InvokablePatterns
    code: CodeReader
    max_reruns: int
    requires_reason: bool


class CodePlan(NamedTuple):
    """The code of the source, the code of today, and which of them would be executed."""

    used: Literal["pinned", "current"]
    then: Pin | None
    """What the source has executed."""
    now: Pin | None
    then_exists: bool | None
    """Whether the pinned version is still there; None if it is not used, or cannot be read."""
    fails_with: str | None
    """The errorCode of a re-run that cannot be executed as things are."""

    @property
    def executed(self) -> Pin | None:
        return self.then if self.used == "pinned" else self.now

    @property
    def code_differs(self) -> bool | None:
        return self._differs(lambda pin: pin.function_code_hash)

    @property
    def configuration_differs(self) -> bool | None:
        return self._differs(lambda pin: pin.config_hash)

    @property
    def current_version(self) -> str | None:
        """The number of a version that the code of today is known to be; None if it has none, or it is not known."""
        if self.now is not None and self.now.function_version != LATEST:
            return self.now.function_version
        if self.now is None or self.then is None or (self.code_differs, self.configuration_differs) != (False, False):
            return None
        is_its_own = base_arn(self.then.function_version_arn) == base_arn(self.now.function_version_arn)
        return self.then.function_version if is_its_own else None

    def _differs(self, hash_of: Callable[[Pin], str | None]) -> bool | None:
        """None if one of them is not known."""
        then, now = (None if pin is None else hash_of(pin) for pin in (self.then, self.now))
        return None if then is None or now is None else then != now


class Plan(NamedTuple):
    source: FunctionRun
    trigger: FunctionTrigger | None
    function: ComputeFunction | None
    code: CodePlan | None
    """None if there is no function that may be invoked."""
    executions: int
    retry_policy: RetryPolicy | None
    """As it will act on this re-run."""
    not_before: datetime | None
    effects: str
    refusals: list[Refused]
    changes: Changes | None
    """Of the parameters, or for who may not see these: what the overrides set. None if nothing can be overridden."""
    token: str | None


def make_plan(request: RerunRequest, deps: PlanDeps) -> Plan:
    """For a caller who may not see parameters nothing here depends on them.

    Raises InvalidRunId, RunNotFound, WrongWorkspace or Unavailable. All other refusals are in the plan.
    """
    recorded = rerun.found_in(request.workspace, deps.runs.read(parse_run_id(request.run_id), Part.PARAMETERS))
    source, options = recorded.run, request.options
    concerns_run(source.id, source.lineage_id)
    refusals: list[Refused] = []
    parameters = not_before = code = changes = None
    with _noted(refusals):
        rerun.check_reason(options.reason, required=deps.requires_reason)
    with _noted(refusals):
        rerun.check_not_of_a_workflow(source)
    with _noted(refusals):
        parameters = open_for_caller(recorded, deps.cipher)
    trigger, function, original, newest = deps.surroundings.read(source, with_reruns=options.if_not_recovered)
    refusals += _against_start(source, trigger, function, deps.invokable)
    with _noted(refusals):
        not_before = options.due(clock.now())
    with _noted(refusals):
        rerun.effect_key_of(source, options.effects)
    if options.if_not_recovered and original is not None:
        with _noted(refusals):
            refuse_unless_recoverable(source, original, reversed(newest))
    overrides = options.override_params or {}
    changes = None if request.reveals else settings_of(overrides)
    if parameters is not None:
        with _noted(refusals):
            if request.reveals:
                contents_of(source, parameters, overrides, reveals=True)
                changes = changes_of(read_parameters(source, parameters), overrides) if overrides else NO_CHANGES
            elif overrides:
                # Whether they would be too large together would tell how much there is.
                dump(overrides, field="overrideParams")
                read_parameters(source, parameters)
    with _noted(refusals):
        _check_room(original, deps.max_reruns)
    policy = _acting_policy(trigger)
    if function is not None and deps.invokable.allows(function.workspace, function.function_arn):
        code = _code(source, function, None if options.use_latest_code else source.pin, deps.code)
    token = None
    if not refusals and trigger is not None and function is not None:
        shown = token_of(source, trigger, function, code and code.executed, request.plan_of)
        token = seal_token(shown, request.plan_of, deps.cipher)
    return Plan(
        source,
        trigger,
        function,
        code,
        executions=0 if refusals or (code and code.fails_with) else 1 + (policy.max_retries if policy else 0),
        retry_policy=policy,
        not_before=not_before,
        effects=options.effects,
        refusals=refusals,
        changes=changes,
        token=token,
    )


@contextmanager
def _noted(refusals: list[Refused]) -> Iterator[None]:
    try:
        yield
    except Refused as refused:
        refusals.append(refused)


def _against_start(
    source: FunctionRun,
    trigger: FunctionTrigger | None,
    function: ComputeFunction | None,
    invokable: InvokablePatterns,
) -> Iterator[Refused]:
    """What `check_startable` raises the first of."""
    if trigger is None:
        yield TriggerNotFound()
    if function is None:
        yield FunctionNotFound(source.trigger_id)
    elif not invokable.includes(function.workspace, function.function_arn):
        yield FunctionNotPermitted()


def _check_room(original: FunctionRun | None, max_reruns: int) -> None:
    """Raises RunNotFound or RerunLimitReached."""
    if original is None:
        raise RunNotFound
    if original.rerun_count >= max_reruns:
        raise RerunLimitReached(max_reruns)


def _acting_policy(trigger: FunctionTrigger | None) -> RetryPolicy | None:
    """The retry policy, if it is one for re-runs that people ask for, of a trigger that retries."""
    policy = None if trigger is None or not trigger.enabled else trigger.retry_policy
    return policy if policy is not None and policy.retry_manual_reruns else None


def _code(source: FunctionRun, function: ComputeFunction, pin: Pin | None, code: CodeReader) -> CodePlan:
    """Raises Unavailable if the code that would be executed cannot be read now."""
    now, problem = _read(code, function.function_arn, is_needed=pin is None)
    if pin is None:
        return CodePlan("current", source.pin, now, None, problem)
    then, problem = _read(code, pin.function_version_arn, is_needed=True)
    exists = {None: True, TIMEOUT_TOO_LONG: True, VERSION_NOT_FOUND: False}.get(problem)
    # Of a captured run only its version's number is kept.
    return CodePlan("pinned", pin if pin.is_complete else then or pin, now, exists, problem)


def _read(code: CodeReader, function_arn: str, *, is_needed: bool) -> tuple[Pin | None, str | None]:
    """The code, and the errorCode of who would execute it."""
    try:
        found = code.read(function_arn)
    except PermanentFailure as failure:
        return None, failure.code
    except RetryLater as fault:
        if is_needed:
            raise Unavailable from fault
        return None, None
    return found, TIMEOUT_TOO_LONG if found.exceeds_longest_wait else None
