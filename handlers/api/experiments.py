"""Experiments: started by api_experiments, shown by api_compare."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from pydantic import Field

from handlers.api import examples
from handlers.api.operations import IDEMPOTENCY_KEY, REPEATING_REFUSALS, REVEAL, Grant, Operation, Reveals
from handlers.api.views import View
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.comparing.experiments import Finding, FoundExperiment
from handlers.domain.comparing.verdict import Reason, Verdict
from handlers.domain.runs.experiment import Side
from handlers.domain.runs.run import ErrorSource, FunctionRun, Status
from handlers.domain.starting.experiments import ExperimentBody


class ExperimentAccepted(View):
    """The experiment is recorded with all its runs, and these will be executed."""

    headers = ("Location",)
    experiment_id: str
    pinned: list[str] = Field(description="The ids of the runs on the version that the source run executed.")
    candidate: list[str] = Field(description="The ids of the runs on the candidate.")
    message: str


class ExperimentRun(View):
    """A run of an experiment; one that is deleted has its id only."""

    id: str
    status: Status | None = None
    function_version: str | None = None
    error_code: str | None = None
    error_source: ErrorSource | None = None
    duration_ms: int | None = None

    @classmethod
    def of(cls, run_id: str, run: FunctionRun | None) -> "ExperimentRun":
        return cls(id=run_id) if run is None else cls.model_validate(run)


class NoVerdict(StrEnum):
    REVEAL_REQUIRED = "reveal-required"
    RUNS_OPEN = "runs-open"


VERDICTS = {
    Verdict.SAME: "both sides do what the source run did",
    Verdict.CODE: "the pinned side does what the source run did, the candidate does not",
    Verdict.WORLD: "both sides do the same, and not what the source run did",
    Verdict.CODE_AND_WORLD: "the pinned side does not do what the source run did, and the candidate something else",
    Verdict.FLAKY: "the runs of one side do not agree with each other",
    Verdict.INCONCLUSIVE: "it cannot be said; `reasons` says why",
}
REASONS = {
    Reason.PIN_UNKNOWN: "the version that the source run executed was not known when the experiment was started",
    Reason.SEVERAL_CANDIDATES: "the candidate's runs were executed by more than one version",
    Reason.SOURCE_OPEN: "the source run has not ended: ask again",
    Reason.NOT_EXECUTED: "a run has no outcome of the function's own: it was cancelled, or has `errorSource: service`",
    Reason.OUTCOME_ERASED: "a run's content was erased",
    Reason.OUTCOME_OMITTED: "a run has answered more than could be kept",
    Reason.OUTCOME_GONE: "a run or its outcome has expired, or the outcome could not be kept",
    Reason.TOO_LARGE_TO_COMPARE: "the outcomes together hold more values than can be compared in time",
}
NO_VERDICTS = {
    NoVerdict.REVEAL_REQUIRED: "the caller does not have the grant function-runs:reveal",
    NoVerdict.RUNS_OPEN: "not all runs of the experiment have ended: ask again",
}


def _explained(about: str, values: Mapping[Any, str]) -> str:
    """A description in which each value has its meaning."""
    return " ".join([about, *(f"`{value}`: {meaning}." for value, meaning in values.items())])


class ExperimentView(View):
    """An experiment and its runs, and for who may reveal content what they say."""

    id: str
    source_run_id: str
    original_run_id: str
    created_at: Timestamp
    by: str = Field(description="Who has started it, as in `rerunBy`.")
    reason: str | None
    repeats: int
    pinned_version: str | None = Field(description="`null`: the source run's was not known.")
    candidate_version: str
    candidate_function_id: str | None = Field(description="`null`: the source run's own function.")
    pinned: list[ExperimentRun]
    candidate: list[ExperimentRun]
    verdict: Verdict | None = Field(
        description=_explained("What made the difference; null: see `noVerdict`.", VERDICTS)
    )
    reasons: list[Reason] = Field(description=_explained("Why the verdict is `inconclusive`; else empty.", REASONS))
    no_verdict: NoVerdict | None = Field(description=_explained("Why `verdict` is null.", NO_VERDICTS))
    ignore: list[str] | None = Field(
        description="JSON Pointers to the differences that did not count: the request's, or else what the function's "
        "`ignoreDifferences` was then. Content, shown with the verdict; null without it."
    )

    @classmethod
    def of(cls, found: FoundExperiment, result: Finding | NoVerdict) -> "ExperimentView":
        sides = {
            str(side): [ExperimentRun.of(run_id, found.runs.get(run_id)) for run_id in found.experiment.run_ids(side)]
            for side in Side
        }
        shown = (
            {"verdict": None, "reasons": (), "no_verdict": result, "ignore": None}
            if isinstance(result, NoVerdict)
            else result.conclusion._asdict() | {"no_verdict": None, "ignore": result.ignored}
        )
        return cls.model_validate(vars(found.experiment) | sides | shown)


POST_EXPERIMENT = Operation(
    id="startExperiment",
    entry_point="api_experiments",
    method="POST",
    path="/function-runs/{runId}/experiments",
    access=Grant("function-triggers", "execute"),
    summary="Start an experiment",
    description="Executes the function `repeats` times on the version that the source run executed and as often on a "
    "candidate, all with the source run's parameters: did the code or the world make the difference? All of these runs "
    "are started, or none. They are re-runs of the lineage (`executionSource: experiment`) and count towards its "
    "limit, are never retried, and recover nothing. An experiment that cannot have a verdict as things are (the source "
    "run is open, or its version is not known; the candidate's version does not exist) is not refused: its `reasons` "
    "say so.",
    request=ExperimentBody,
    example={"repeats": 3, "candidateVersion": "latest", "ignore": ["/orderId"], "reason": "Is the fix the reason?"},
    headers=(IDEMPOTENCY_KEY,),
    responses={HTTPStatus.ACCEPTED: ExperimentAccepted},
    answer=examples.EXPERIMENT_STARTED,
    # In the order in which they are checked, once the body is valid.
    refusals=(
        *REPEATING_REFUSALS,
        errors.NotFound,
        errors.RerunLimitReached,
    ),
    audited="experiment",
)
GET_EXPERIMENT = Operation(
    id="getExperiment",
    entry_point="api_compare",
    method="GET",
    path="/function-runs/{runId}/experiments/{experimentId}",
    access=Grant("function-runs", "read"),
    summary="Read an experiment",
    description="Asked of any run that it is about: its source run, that run's original, or one of its own. The "
    "verdict is content, because it says whether results are equal: it takes the grant function-runs:reveal, is shown "
    "once all runs of the experiment have ended, and leaves an act in the audit.",
    responses={HTTPStatus.OK: ExperimentView},
    answer=examples.EXPERIMENT,
    reveals=Reveals(REVEAL, "experiment-verdict"),
    refusals=(errors.InvalidRunId, errors.NotFound, errors.PartUnreadable),
)
