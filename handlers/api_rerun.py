"""Re-run a run: for callers of the HTTP API, and for an operator who sends a test event in the AWS console.

A console event is `{workspace, runId, useLatestCode?, reason?, overrideParams?, notBefore?, ifNotRecovered?,
effects?, rerunBy?}`. It is authorised by IAM (who may invoke this Lambda) and CloudTrail knows who it was. It is
answered with the same documents as over HTTP.
"""

from contextlib import suppress
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.operations import REVEAL
from handlers.api.rerun import RERUN
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import accepted, answer_error, to_lambda
from handlers.api.views import JobAccepted
from handlers.domain.clock import iso
from handlers.domain.errors import InvalidRequest, Unavailable
from handlers.domain.ids import parse_id
from handlers.domain.json_document import JsonObject, reread_object
from handlers.domain.requests import Name
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.rerun import RerunBody, RerunRequest, check_reason, prepare
from handlers.domain.starting.start import LineageMoved, Started, commit
from handlers.settings import INVOKABLE, STARTED_RUNS, check_environment
from handlers.telemetry import audited, entry_point
from handlers.wiring import wiring

READS = (*STARTED_RUNS, *INVOKABLE, "require_reason")
check_environment(READS)

app = Resolver()

# At a lineage that others re-run at the same time. After the first, as a rule, one of them stands against it.
_LOOKS = 3


class LambdaTestEvent(RerunBody):
    workspace: str
    run_id: str
    rerun_by: Name = "unknown"


@app.operation(RERUN)
def post_rerun(workspace: str, run_id: str) -> Response[Any]:
    options = RerunBody.read(app.body())
    key = app.request_key(workspace, ["rerun", parse_id(run_id), options.normal_form()])
    caller = app.permitted.caller
    request = RerunRequest(workspace, run_id, caller.subject, options, key, caller.may(workspace, *REVEAL))
    new = rerun_with(app.permitted.line, request)
    return accepted(workspace, new.id, message(run_id))


def rerun_from_test_event(event: JsonObject) -> JsonObject:
    request = LambdaTestEvent.read(event)
    if request.plan_token is not None:
        raise InvalidRequest("planToken", "is of a caller of the API: a test event has no plan. Leave it out.")
    with audited("rerun", workspace=request.workspace, run_id=request.run_id) as line:
        line["by"] = f"console:{request.rerun_by}"
        new = rerun_with(line, RerunRequest(request.workspace, request.run_id, line["by"], request))
    return JobAccepted(job_id=new.id, message=message(request.run_id)).document()


def rerun_with(line: dict[str, Any], request: RerunRequest) -> FunctionRun:
    line["why"] = request.options.reason
    line["overridden"] = request.options.override_params is not None
    line["useLatestCode"] = request.options.use_latest_code
    check_reason(request.options.reason, required=wiring.requires_reason)
    for _ in range(_LOOKS):
        prepared = prepare(request, wiring.rerun_deps)
        with suppress(LineageMoved):  # then it is looked at again
            new = prepared.run if isinstance(prepared, Started) else commit(prepared, wiring.start_deps).run
            break
    else:
        raise Unavailable
    line["jobId"] = new.id
    if new.not_before is not None:
        line["notBefore"] = iso(new.not_before)
    return new


def message(run_id: str) -> str:
    return f"Re-run successfully queued. Original run {run_id} has been re-executed."


def is_http(event: Any) -> bool:
    """Whether API Gateway made the event. So can a direct caller of this Lambda, whom IAM permits."""
    return isinstance(event, dict) and {"routeKey", "requestContext", "version"} <= event.keys()


@entry_point
def lambda_handler(event: Any, context: LambdaContext) -> dict[str, Any]:
    if is_http(event):
        return to_lambda(app.resolve(from_gateway(event), context))
    try:
        return rerun_from_test_event(reread_object(event, field="event"))
    except Exception as error:  # noqa: BLE001 - the answer is all that the console shows
        return answer_error(error, context.aws_request_id)[1].document()
