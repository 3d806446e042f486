"""Experiments: started by api_experiments, shown by api_compare."""

from enum import StrEnum
from http import HTTPStatus

from pydantic import Field

from handlers.api import examples
from handlers.api.operations import IDEMPOTENCY_KEY, REVEAL, Grant, Operation, Reveals
from handlers.api.views import View
from handlers.domain import errors
from handlers.domain.clock import Timestamp
from handlers.domain.comparing.experiments import FoundExperiment
from handlers.domain.comparing.verdict import Conclusion, Reason, Verdict
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


class ExperimentView(View):
    """An experiment and its runs, and for who may reveal content what they say."""

    id: str
    source_run_id: str
    original_run_id: str
    created_at: Timestamp
    repeats: int
    pinned_version: str | None = Field(description="`null`: the source run's was not known.")
    candidate_version: str
    candidate_function_id: str | None = Field(description="`null`: the source run's own function.")
    pinned: list[ExperimentRun]
    candidate: list[ExperimentRun]
    verdict: Verdict | None
    reasons: list[Reason] = Field(
        description="Why the verdict is `inconclusive`; else empty. `too-large-to-compare`: the results together hold "
        "more values than can be compared in time."
    )
    no_verdict: NoVerdict | None = Field(
        description="Why there is none: the caller does not have the grant function-runs:reveal, or not all of its "
        "runs have ended."
    )

    @classmethod
    def of(cls, found: FoundExperiment, result: Conclusion | NoVerdict) -> "ExperimentView":
        sides = {
            str(side): [ExperimentRun.of(run_id, found.runs.get(run_id)) for run_id in found.experiment.run_ids(side)]
            for side in Side
        }
        shown = (
            {"verdict": None, "reasons": (), "no_verdict": result}
            if isinstance(result, NoVerdict)
            else {"verdict": result.verdict, "reasons": result.reasons, "no_verdict": None}
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
    "limit, are never retried, and recover nothing.",
    request=ExperimentBody,
    example={"repeats": 3, "candidateVersion": "latest", "ignore": ["/orderId"], "reason": "Is the fix the reason?"},
    headers=(IDEMPOTENCY_KEY,),
    responses={HTTPStatus.ACCEPTED: ExperimentAccepted},
    answer=examples.EXPERIMENT_STARTED,
    # In the order in which they are checked, once the body is valid.
    refusals=(
        errors.InvalidRunId,
        errors.IdempotencyKeyReused,
        errors.RunNotFound,
        errors.WrongWorkspace,
        errors.OrchestrationRun,
        errors.NoParameters,
        errors.DecryptionFailed,
        errors.TriggerNotFound,
        errors.FunctionNotFound,
        errors.FunctionNotPermitted,
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
