"""Start a run by executing a trigger."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.ids import parse_id
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.http import API, Resolver, accepted
from handlers.log import logger
from handlers.settings import INVOKABLE, STARTED_RUNS, check_environment
from handlers.wiring import wiring

READS = (*STARTED_RUNS, *INVOKABLE)
check_environment(READS)

app = Resolver()


@app.post(f"{API}/function-triggers/<trigger_id>/execute")
def post_execute(workspace: str, trigger_id: str) -> Response[Any]:
    with app.act("execute", workspace, ("function-triggers", "execute"), trigger_id=trigger_id) as act:
        body = ExecuteBody.read(app.body())
        key = app.request_key(workspace, act.caller, ["execute", parse_id(trigger_id), body.model_dump()])
        run = execute_trigger(
            workspace, trigger_id, body, wiring.registry, wiring.start_deps, invokable=wiring.invokable, key=key
        )
        act.line["jobId"] = run.id
    return accepted(workspace, run.id, "Run successfully queued.")


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.answer(event, context)
