"""Start an experiment: the story of POST …/function-runs/{runId}/experiments.

What a re-run of the source run is refused for, an experiment is refused for, in the same order. There are no overrides:
with them, equal results would tell who may not reveal content what it is.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, Protocol

from pydantic import Field

from handlers.domain import clock
from handlers.domain.audit.act import Act, Action, SealedAct, seal_act
from handlers.domain.json_document import JsonObject, compact
from handlers.domain.json_pointers import IgnoredPointers
from handlers.domain.log_context import concerns_run
from handlers.domain.registry.entities import ComputeFunction
from handlers.domain.registry.functions import find_function
from handlers.domain.registry.permissions import check_invokable
from handlers.domain.requests import VERSION_PATTERN, Body, explained
from handlers.domain.runs.due import push_when_due
from handlers.domain.runs.experiment import Experiment, SealedExperiment, Side, run_ids
from handlers.domain.runs.ports import RunQueue, RunReader
from handlers.domain.runs.recording import SealedParts, seal_parts
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Part, Pin, version_of
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import (
    AlreadyStarted,
    IdempotencyKey,
    SealedKey,
    run_started_before,
    seal_key,
)
from handlers.domain.starting.rerun import RerunDeps, Rerunnable, read_rerunnable, rerun_of
from handlers.domain.starting.start import Started

LATEST = "latest"
_VERSION = Annotated[
    str, Field(pattern=f"^(latest|{VERSION_PATTERN})$"), explained("must be latest, or the number of a version, like 8")
]


class ExperimentBody(Body):
    repeats: int = Field(default=2, ge=2, le=5, description="How many runs each side has.")
    candidate_version: _VERSION = Field(
        default=LATEST, description="`latest`, today's code, or the number of a version of the candidate's function."
    )
    candidate_function_id: str | None = Field(
        default=None,
        max_length=64,
        description="Another function of this workspace; default: the run's own.",
        json_schema_extra={"format": "uuid"},
    )
    ignore: IgnoredPointers | None = Field(
        default=None,
        description="Differences of results that do not count. Default: the function's `ignoreDifferences`.",
    )
    reason: str | None = Field(default=None, max_length=512)

    def normal_form(self) -> JsonObject:
        """What is asked for, the same however it was written, and across an upgrade that adds a field."""
        return self.model_dump(exclude_defaults=True) | {"reason": self.reason or None}


class ExperimentRequest(NamedTuple):
    """Who asks for an experiment on which run, and how."""

    workspace: str
    run_id: str
    by: str
    options: ExperimentBody
    key: IdempotencyKey | None = None


class ExperimentRecorder(RunReader, Protocol):
    def record_experiment(
        self,
        experiment: SealedExperiment,
        runs: Sequence[tuple[FunctionRun, SealedParts]],
        key: SealedKey | None = None,
        act: SealedAct | None = None,
    ) -> None:
        """The experiment, all its runs with parts and edges, the act, and the original's count: all or nothing.

        The key, if any, is kept with the first run. Raises AlreadyStarted, RunNotFound if the original is gone,
        RerunLimitReached or Unavailable.
        """


class ExperimentDeps(NamedTuple):
    """What starting an experiment needs."""

    runs: ExperimentRecorder
    cipher: Cipher
    queue: RunQueue


class PreparedExperiment(NamedTuple):
    """An experiment that nothing stands against: `commit_experiment` starts it."""

    source: FunctionRun
    experiment: Experiment
    runs: list[FunctionRun]
    ignore: list[str]
    parameters: bytes
    """Of each of its runs."""
    act: Act
    key: IdempotencyKey | None = None


class StartedExperiment(NamedTuple):
    """An experiment by its id, and its runs by theirs."""

    id: str
    pinned: list[str]
    candidate: list[str]

    @classmethod
    def of(cls, experiment_id: str, repeats: int) -> "StartedExperiment":
        return cls(experiment_id, *(run_ids(experiment_id, side, repeats) for side in Side))


def prepare_experiment(request: ExperimentRequest, deps: RerunDeps) -> PreparedExperiment | StartedExperiment:
    """Read, check and decide, and write nothing. What the same request has started before, if it has.

    Raises a Refused, or Unavailable.
    """
    found = read_rerunnable(request.workspace, request.run_id, request.key, deps)
    if isinstance(found, Started):
        return _started_before(found.run, request.options.repeats)
    candidate = found.function
    if request.options.candidate_function_id is not None:
        candidate = find_function(request.workspace, request.options.candidate_function_id, deps.registry)
        check_invokable(candidate, deps.invokable)
    experiment = _experiment(request, found, candidate, clock.now(), deps)
    sides = {
        Side.PINNED: (found.function, found.source.pin, False),
        Side.CANDIDATE: (candidate, *_code(request.options.candidate_version, candidate)),
    }
    runs = [
        rerun_of(
            found.source,
            found.trigger,
            function,
            deps.retention,
            experiment.created_at,
            not_before=None,
            id=run_id,
            execution_source=ExecutionSource.EXPERIMENT,
            experiment_id=experiment.id,
            pin=pin,
            use_latest_code=use_latest_code,
            rerun_by=request.by,
            rerun_reason=request.options.reason or None,
            retriable=False,
        )
        for side, (function, pin, use_latest_code) in sides.items()
        for run_id in experiment.run_ids(side)
    ]
    ignore = request.options.ignore
    ignore = found.function.ignore_differences or [] if ignore is None else ignore
    act = _act(request, found, experiment, deps)
    return PreparedExperiment(found.source, experiment, runs, ignore, found.parameters, act, request.key)


def _experiment(
    request: ExperimentRequest, found: Rerunnable, candidate: ComputeFunction, at: datetime, deps: RerunDeps
) -> Experiment:
    return Experiment(
        id=str(uuid.uuid4()),
        workspace=found.source.workspace,
        source_run_id=found.source.id,
        original_run_id=found.source.lineage_id,
        repeats=request.options.repeats,
        pinned_version=found.source.pin.function_version if found.source.pin else None,
        candidate_version=request.options.candidate_version,
        candidate_function_id=None if candidate.id == found.function.id else candidate.id,
        by=request.by,
        reason=request.options.reason or None,
        created_at=at,
        expires_at=at + deps.retention.span,
    )


def _act(request: ExperimentRequest, found: Rerunnable, experiment: Experiment, deps: RerunDeps) -> Act:
    return Act.done(
        Action.EXPERIMENT,
        request.by,
        experiment.workspace,
        kept_for=deps.retention.of_acts,
        run_id=found.source.id,
        experiment_id=experiment.id,
        candidate_version=experiment.candidate_version,
        candidate_function_id=experiment.candidate_function_id,
        repeats=experiment.repeats,
        trigger_id=found.trigger.id,
        function_id=found.function.id,
        reason=experiment.reason,
    )


def _code(version: str, function: ComputeFunction) -> tuple[Pin | None, bool]:
    """The version that the candidate's runs execute, and whether that is today's code."""
    if version == LATEST:
        return None, True
    return version_of(function.function_arn, version), False


def commit_experiment(prepared: PreparedExperiment, deps: ExperimentDeps) -> StartedExperiment:
    """Record all of it in one transaction and push its runs, unless it was started before.

    Raises IdempotencyKeyReused, RunNotFound, RerunLimitReached or Unavailable.
    """
    experiment = prepared.experiment
    sealed = SealedExperiment(
        experiment, deps.cipher.seal(compact(prepared.ignore).encode(), experiment.ignore_context)
    )
    parts = {Part.PARAMETERS: prepared.parameters}
    runs = [(run, seal_parts(run, parts, deps.cipher)) for run in prepared.runs]
    try:
        deps.runs.record_experiment(
            sealed, runs, seal_key(prepared.key, deps.cipher), seal_act(prepared.act, deps.cipher)
        )
    except AlreadyStarted as already:
        return _started_before(run_started_before(already.kept, deps.cipher, deps.runs), experiment.repeats)
    concerns_run(prepared.source.id, prepared.source.lineage_id)
    for run in prepared.runs:
        push_when_due(run, deps.queue)
    return StartedExperiment.of(experiment.id, experiment.repeats)


def _started_before(first: FunctionRun, repeats: int) -> StartedExperiment:
    """The key is that of the same request: the run that it has kept is the first of such an experiment."""
    return StartedExperiment.of(first.experiment_id or "", repeats)
