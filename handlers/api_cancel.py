"""Cancel a run."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.cancel import CANCEL, CancelBody, Cancelled
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.domain.runs.cancel import cancel
from handlers.domain.runs.run import FunctionRun, Status
from handlers.settings import RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*RUNS, "lifecycle_bus_name", "audit_retention_days")
check_environment(READS)

app = Resolver()
ANSWERS = {Status.CANCELLED: HTTPStatus.OK, Status.RUNNING: HTTPStatus.ACCEPTED}


@app.operation(CANCEL)
def post_cancel(workspace: str, run_id: str) -> Response[Any]:
    CancelBody.read(app.body())  # there is nothing to say, and nothing is overlooked
    run = cancel(workspace, run_id, app.permitted.done(wiring.acts_kept_for), wiring.cancel_deps)
    app.permitted.line["status"] = run.status
    return json_response(ANSWERS[run.status], Cancelled(run_id=run.id, status=run.status, message=_message(run)))


def _message(run: FunctionRun) -> str:
    if run.status is Status.RUNNING:
        return (
            "The run is being executed and cannot be stopped. Its outcome will be recorded as it happens; "
            "it will not be executed again, nor retried."
        )
    if run.execution_attempts:
        return "Run cancelled: it will not be executed again. It may have been before; that outcome was lost."
    return "Run cancelled: it will not be executed."


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
