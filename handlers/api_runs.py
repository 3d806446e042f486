"""Read runs: one, what it holds, a list of them, and a run's re-run history."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.api.runs import GET_HISTORY, GET_RUN, LIST_RUNS, RerunHistory, RevealedRun, RunList, RunView, SingleRun
from handlers.api.views import PageMeta
from handlers.domain.runs.acts import on_run
from handlers.domain.runs.history import last_rerun_status, lineage, parse_contents, read_run, reveal
from handlers.domain.runs.listing import Filters, list_runs
from handlers.settings import RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*RUNS, "input_key_arn", "outcome_key_arn", "audit_retention_days")
check_environment(READS)

app = Resolver()


@app.operation(LIST_RUNS)
def get_runs(workspace: str) -> Response[Any]:
    filters, page = Filters.from_query(app.query()), app.page()
    runs, position = list_runs(workspace, filters, page, wiring.run_index, wiring.runs)
    found = RunList(data=[RunView.of(run) for run in runs], meta=PageMeta.of(page, position))
    return json_response(HTTPStatus.OK, found)


@app.operation(GET_RUN)
def get_run(workspace: str, run_id: str) -> Response[Any]:
    include = app.query().get("include")
    contents = [] if include is None else parse_contents(include)
    if contents:
        app.permitted.line["parts"] = contents
    run = read_run(workspace, run_id, wiring.runs)
    shown = SingleRun.of(run, last_rerun_status=last_rerun_status(run, wiring.runs))
    if contents:
        shown = RevealedRun.holding(shown, reveal(run, contents, wiring.runs, wiring.cipher))
        # Before anything is shown: what leaves no act is not shown.
        wiring.audit_log.write(on_run(app.permitted.done(wiring.acts_kept_for), run, parts=tuple(contents)))
    return json_response(HTTPStatus.OK, shown)


@app.operation(GET_HISTORY)
def get_rerun_history(workspace: str, run_id: str) -> Response[Any]:
    return json_response(HTTPStatus.OK, RerunHistory.of(lineage(workspace, run_id, app.page(), wiring.runs)))


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
