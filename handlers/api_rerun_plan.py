"""Plan a re-run: what it would do, or all that stands against it, and nothing is done."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.operations import REVEAL
from handlers.api.plan import PLAN_RERUN, RerunPlan
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.domain.starting.plan import make_plan
from handlers.domain.starting.rerun import PlanBody, RerunBody, RerunRequest
from handlers.settings import INVOKABLE, RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*RUNS, "max_reruns_per_lineage", "input_key_arn", *INVOKABLE, "require_reason")
check_environment(READS)

app = Resolver()


@app.operation(PLAN_RERUN)
def post_rerun_plan(workspace: str, run_id: str) -> Response[Any]:
    options = RerunBody.model_construct(**dict(PlanBody.read(app.body())))
    caller = app.permitted.caller
    app.permitted.line["revealed"] = reveals = caller.may(workspace, *REVEAL)
    request = RerunRequest(workspace, run_id, caller.subject, options, reveals=reveals)
    plan = make_plan(request, wiring.plan_deps)
    return json_response(HTTPStatus.OK, RerunPlan.of(plan, reveals=reveals))


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
