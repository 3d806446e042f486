"""Re-run a run: for callers of the HTTP API, and for an operator who sends a test event in the AWS console.

A console event is `{workspace, runId, useLatestCode?, reason?, overrideParams?, rerunBy?}`. It is authorised by IAM
(who may invoke this Lambda) and CloudTrail knows who it was. It is answered with the same documents as over HTTP.
"""

import json
from functools import partial
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import Field

from handlers.domain.errors import ServiceError
from handlers.domain.json_document import JsonObject, parse_object
from handlers.domain.rerun import Asked, RerunBody, rerun
from handlers.domain.run import FunctionRun
from handlers.http import API, Resolver, accepted, answer_error
from handlers.log import audit, logger
from handlers.wiring import wiring

app = Resolver()


class ConsoleEvent(RerunBody):
    workspace: str
    run_id: str
    rerun_by: str = Field(default="unknown", max_length=128)


@app.post(f"{API}/function-runs/<run_id>/rerun")
def post_rerun(workspace: str, run_id: str) -> Response[Any]:
    caller = app.allow(workspace, "function-triggers", "execute")
    new = audited_rerun(Asked(workspace, run_id, caller.subject, RerunBody.read(app.body())))
    return accepted(workspace, new.id, message(run_id))


def rerun_from_console(event: Any, request_id: str) -> JsonObject:
    try:
        told = ConsoleEvent.read(parse_object(json.dumps(event), field="event"))
        new = audited_rerun(Asked(told.workspace, told.run_id, f"console:{told.rerun_by}", told))
    except Exception as error:  # noqa: BLE001 - the answer is all that the console shows
        return answer_error(error, request_id)[1]
    return {"jobId": new.id, "message": message(told.run_id)}


def audited_rerun(asked: Asked) -> FunctionRun:
    audited = partial(
        audit, "rerun", by=asked.rerun_by, workspace=asked.workspace, run_id=asked.run_id, why=asked.how.reason
    )
    try:
        new = rerun(asked, wiring.rerunner)
    except ServiceError as refusal:
        audited(outcome=refusal.code)
        raise
    audited(outcome="accepted", jobId=new.id)
    return new


def message(run_id: str) -> str:
    return f"Re-run successfully queued. Original run {run_id} has been re-executed."


@logger.inject_lambda_context
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    if isinstance(event, dict) and "requestContext" in event:
        return app.answer(event, context)
    return rerun_from_console(event, context.aws_request_id)
