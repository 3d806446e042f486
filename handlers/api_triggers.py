"""Start a run by executing a trigger."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.execute import EXECUTE
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import accepted, to_lambda
from handlers.domain.ids import parse_id
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.settings import INVOKABLE, STARTED_RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*STARTED_RUNS, *INVOKABLE)
check_environment(READS)

app = Resolver()


@app.operation(EXECUTE)
def post_execute(workspace: str, trigger_id: str) -> Response[Any]:
    body = ExecuteBody.read(app.body())
    key = app.request_key(workspace, ["execute", parse_id(trigger_id), body.model_dump()])
    act = app.permitted.done(wiring.acts_kept_for)
    run = execute_trigger(
        workspace, trigger_id, body, wiring.registry, wiring.start_deps, act=act, invokable=wiring.invokable, key=key
    )
    app.permitted.line["jobId"] = run.id
    return accepted(workspace, run.id, "Run successfully queued.")


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
