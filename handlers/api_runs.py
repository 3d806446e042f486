"""Read a run and its re-run history."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.history import lineage, parse_limit, parse_parts, read_run, reveal
from handlers.http import API, Resolver, json_response
from handlers.log import audit, logger
from handlers.wiring import wiring

app = Resolver()


@app.get(f"{API}/function-runs/<run_id>")
def get_run(workspace: str, run_id: str) -> Response[Any]:
    caller = app.allow(workspace, "function-runs", "read")
    include = app.current_event.query_string_parameters.get("include")
    if include is None:
        return json_response(HTTPStatus.OK, read_run(workspace, run_id, wiring.runs).document())
    caller.require(workspace, "function-runs", "reveal")
    parts = parse_parts(include)
    run = read_run(workspace, run_id, wiring.runs)
    revealed = reveal(run, parts, wiring.runs, wiring.cipher)
    audit("reveal", by=caller.subject, workspace=workspace, run_id=run.id, outcome="revealed", parts=parts)
    return json_response(HTTPStatus.OK, run.document() | revealed)


@app.get(f"{API}/function-runs/<run_id>/rerun-history")
def get_rerun_history(workspace: str, run_id: str) -> Response[Any]:
    app.allow(workspace, "function-runs", "read")
    asked = app.current_event.query_string_parameters
    page = lineage(workspace, run_id, wiring.runs, limit=parse_limit(asked.get("limit")), cursor=asked.get("cursor"))
    return json_response(HTTPStatus.OK, page.document())


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.answer(event, context)
