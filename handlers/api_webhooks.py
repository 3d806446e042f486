"""Receive webhooks: no token, but a signature that the trigger's secret has made."""

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, run_location, to_lambda
from handlers.api.webhooks import RECEIVE, WebhookAccepted
from handlers.domain.errors import BadSignature
from handlers.domain.starting.webhooks import WebhookRequest, receive
from handlers.settings import STARTED_RUNS, check_environment
from handlers.telemetry import entry_point, logger
from handlers.wiring import wiring

READS = STARTED_RUNS
check_environment(READS)

app = Resolver()


@app.operation(RECEIVE)
def post_webhook(workspace: str, path: str) -> Response[Any]:
    event = app.current_event
    webhook_request = WebhookRequest(
        workspace=workspace,
        path=unquote(path),
        method=event.http_method,
        headers=dict(event.headers),
        query=app.query(),
        body=app.raw_body(),
    )
    try:
        run = receive(webhook_request, wiring.registry, wiring.start_deps)
    except BadSignature as bad:
        logger.warning("bad signature", extra={"triggerId": bad.trigger_id, "flaw": bad.flaw})
        raise
    location = run_location(workspace, run.id)
    return json_response(HTTPStatus.ACCEPTED, WebhookAccepted(job_id=run.id), Location=location)


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
