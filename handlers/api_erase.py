"""Erase what a run holds."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.erase import ERASE
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import NO_STORE, to_lambda
from handlers.domain.runs.erase import erase
from handlers.settings import RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*RUNS, "lifecycle_bus_name", "audit_retention_days")
check_environment(READS)

app = Resolver()


@app.operation(ERASE)
def delete_content(workspace: str, run_id: str) -> Response[Any]:
    erase(workspace, run_id, app.permitted.done(wiring.acts_kept_for), wiring.erase_deps)
    return Response(HTTPStatus.NO_CONTENT, body="", headers={"Cache-Control": NO_STORE})


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
