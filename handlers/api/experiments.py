"""What api_experiments answers: an experiment is started."""

from http import HTTPStatus

from pydantic import Field

from handlers.api.operations import IDEMPOTENCY_KEY, Grant, Operation
from handlers.api.views import View
from handlers.domain import errors
from handlers.domain.starting.experiments import ExperimentBody


class ExperimentAccepted(View):
    """The experiment is recorded with all its runs, and these will be executed."""

    headers = ("Location",)
    experiment_id: str
    pinned: list[str] = Field(description="The ids of the runs on the version that the source run executed.")
    candidate: list[str] = Field(description="The ids of the runs on the candidate.")
    message: str


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
    # In the order in which they are checked, once the body is valid.
    refusals=(
        errors.InvalidRunId,
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
        errors.IdempotencyKeyReused,
    ),
    audited="experiment",
)
