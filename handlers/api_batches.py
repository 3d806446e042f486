"""Re-run many runs: start, read, pause, resume and cancel batches."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, TypeVar

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.batches import (
    CANCEL_BATCH,
    GET_BATCH,
    LIST_BATCHES,
    LIST_RERUNS,
    PAUSE_BATCH,
    RESUME_BATCH,
    START_BATCH,
    BatchAccepted,
    BatchList,
    BatchPlanned,
    BatchView,
)
from handlers.api.operations import BASE, REVEAL
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.api.runs import RunList, RunView
from handlers.api.views import PageMeta
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.changing import cancel_batch, find_batch, pause, resume
from handlers.domain.batches.planning import plan_batch
from handlers.domain.batches.ports import BatchDeps
from handlers.domain.batches.requests import BatchBody, CancelBatchBody, PauseBody, ResumeBody
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.query import one_of, read_filters
from handlers.domain.runs.listing import Filters, list_runs
from handlers.domain.runs.run import Status
from handlers.domain.starting.rerun import check_reason
from handlers.settings import INVOKABLE, RECORDED_RUNS, RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*RUNS, *RECORDED_RUNS, *INVOKABLE, "require_reason", "batches_arn")
check_environment(READS)

app = Resolver()
B = TypeVar("B", PauseBody, ResumeBody, CancelBatchBody)


@app.operation(START_BATCH)
def post_batch(workspace: str) -> Response[Any]:
    options = BatchBody.read(app.body())
    key = app.request_key(workspace, ["batch", options.normal_form()])
    permitted = app.permitted
    permitted.line["why"] = options.reason
    check_reason(options.reason, required=wiring.requires_reason)
    reveals = permitted.caller.may(workspace, *REVEAL)
    request = BatchRequest(workspace, permitted.caller.subject, options, key, reveals)
    if options.dry_run:
        permitted.line["action"] = "plan-batch"
        return json_response(HTTPStatus.OK, BatchPlanned.of(plan_batch(request, wiring.batch_plan_deps), options))
    batch = start_batch(request, wiring.batch_deps)
    permitted.line["batchId"] = batch.id
    view = BatchAccepted(batch_id=batch.id, state=batch.state, message="Batch successfully queued.")
    location = f"{BASE.format(workspace=workspace)}/rerun-batches/{batch.id}"
    return json_response(HTTPStatus.ACCEPTED, view, Location=location)


@app.operation(LIST_BATCHES)
def get_batches(workspace: str) -> Response[Any]:
    page = app.page()
    batches, position = wiring.batches.list_batches(workspace, page)
    found = BatchList(data=[BatchView.of(each) for each in batches], meta=PageMeta.of(page, position))
    return json_response(HTTPStatus.OK, found)


@app.operation(GET_BATCH)
def get_batch(workspace: str, batch_id: str) -> Response[Any]:
    return _shown(find_batch(workspace, batch_id, wiring.batches))


@app.operation(PAUSE_BATCH)
def post_pause(workspace: str, batch_id: str) -> Response[Any]:
    return _changed(pause, PauseBody, workspace, batch_id)


@app.operation(RESUME_BATCH)
def post_resume(workspace: str, batch_id: str) -> Response[Any]:
    return _changed(resume, ResumeBody, workspace, batch_id)


@app.operation(CANCEL_BATCH)
def post_cancel(workspace: str, batch_id: str) -> Response[Any]:
    return _changed(cancel_batch, CancelBatchBody, workspace, batch_id)


@app.operation(LIST_RERUNS)
def get_reruns(workspace: str, batch_id: str) -> Response[Any]:
    batch, page = find_batch(workspace, batch_id, wiring.batches), app.page()
    filters = Filters(batch_id=batch.id, **read_filters(app.query(), {"status": one_of(Status)}))
    runs, position = list_runs(workspace, filters, page, wiring.run_index, wiring.runs)
    found = RunList(data=[RunView.of(run) for run in runs], meta=PageMeta.of(page, position))
    return json_response(HTTPStatus.OK, found)


def _changed(
    change: Callable[[str, str, str, B, BatchDeps], Batch], body: type[B], workspace: str, batch_id: str
) -> Response[Any]:
    options, permitted = body.read(app.body()), app.permitted
    permitted.line["why"] = options.reason
    batch = change(workspace, batch_id, permitted.caller.subject, options, wiring.batch_deps)
    permitted.line["state"] = batch.state
    return _shown(batch)


def _shown(batch: Batch) -> Response[Any]:
    return json_response(HTTPStatus.OK, BatchView.of(batch))


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
