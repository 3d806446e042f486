"""What api_cancel answers."""

from http import HTTPStatus
from typing import Literal

from handlers.api.operations import Grant, Operation
from handlers.api.views import View
from handlers.domain import errors
from handlers.domain.requests import Body
from handlers.domain.runs.run import Status


class CancelBody(Body):
    """Nothing: an empty object, or no body at all."""


class Cancelled(View):
    run_id: str
    status: Literal[Status.CANCELLED, Status.RUNNING]
    message: str


CANCEL = Operation(
    id="cancel",
    entry_point="api_cancel",
    method="POST",
    path="/function-runs/{runId}/cancel",
    access=Grant("function-triggers", "execute"),
    summary="Cancel a run",
    description="200 `cancelled`: it will not be executed (again); a run that is cancelled already is answered so, "
    "too. 202 `running`: it is being executed and cannot be stopped; its outcome is recorded as it happens, and it "
    "is not executed again or retried.",
    request=CancelBody,
    responses={HTTPStatus.OK: Cancelled, HTTPStatus.ACCEPTED: Cancelled},
    refusals=(errors.InvalidRunId, errors.NotFound, errors.RunEnded),
    audited="cancel",
)
