"""Read runs: one, what it holds, a list of them, and a run's re-run history."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.runs.history import lineage, parse_contents, read_run, reveal
from handlers.domain.runs.listing import Filters, list_runs
from handlers.http import API, Resolver, json_response
from handlers.log import logger
from handlers.settings import RUNS, SEALING, check_environment
from handlers.wiring import wiring

READS = (*RUNS, *SEALING)
check_environment(READS)

app = Resolver()


@app.get(f"{API}/function-runs")
def get_runs(workspace: str) -> Response[Any]:
    app.allow(workspace, "function-runs", "read")
    filters = Filters.from_query(app.query())
    return json_response(HTTPStatus.OK, list_runs(workspace, filters, app.page(), wiring.run_index, wiring.runs))


@app.get(f"{API}/function-runs/<run_id>")
def get_run(workspace: str, run_id: str) -> Response[Any]:
    include = app.query().get("include")
    if include is not None:
        return reveal_run(workspace, run_id, include)
    app.allow(workspace, "function-runs", "read")
    return json_response(HTTPStatus.OK, read_run(workspace, run_id, wiring.runs).document())


def reveal_run(workspace: str, run_id: str, include: str) -> Response[Any]:
    with app.act("reveal", workspace, ("function-runs", "read"), run_id=run_id) as act:
        act.caller.require(workspace, "function-runs", "reveal")
        act.line["parts"] = parts = parse_contents(include)
        run = read_run(workspace, run_id, wiring.runs)
        return json_response(HTTPStatus.OK, run.document() | reveal(run, parts, wiring.runs, wiring.cipher))


@app.get(f"{API}/function-runs/<run_id>/rerun-history")
def get_rerun_history(workspace: str, run_id: str) -> Response[Any]:
    app.allow(workspace, "function-runs", "read")
    return json_response(HTTPStatus.OK, lineage(workspace, run_id, app.page(), wiring.runs).document())


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.answer(event, context)
