"""Start an experiment: one input on two versions of the code, several times each."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.experiments import POST_EXPERIMENT, ExperimentAccepted
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, run_location, to_lambda
from handlers.domain.ids import parse_id
from handlers.domain.starting.experiments import (
    ExperimentBody,
    ExperimentRequest,
    PreparedExperiment,
    commit_experiment,
    prepare_experiment,
)
from handlers.domain.starting.rerun import check_reason
from handlers.settings import INVOKABLE, STARTED_RUNS, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = (*STARTED_RUNS, *INVOKABLE, "require_reason")
check_environment(READS)

app = Resolver()


@app.operation(POST_EXPERIMENT)
def post_experiment(workspace: str, run_id: str) -> Response[Any]:
    options = ExperimentBody.read(app.body())
    key = app.request_key(workspace, ["experiment", parse_id(run_id), options.normal_form()])
    by, line = app.permitted.caller.subject, app.permitted.line
    line["why"] = options.reason
    check_reason(options.reason, required=wiring.requires_reason)
    prepared = prepare_experiment(ExperimentRequest(workspace, run_id, by, options, key), wiring.rerun_deps)
    started = (
        commit_experiment(prepared, wiring.experiment_deps) if isinstance(prepared, PreparedExperiment) else prepared
    )
    line["experimentId"] = started.id
    runs = f"{options.repeats} runs on the pinned version, {options.repeats} on the candidate"
    view = ExperimentAccepted(
        experiment_id=started.id,
        pinned=started.pinned,
        candidate=started.candidate,
        message=f"Experiment successfully queued: {runs}.",
    )
    location = f"{run_location(workspace, run_id.lower())}/experiments/{started.id}"
    return json_response(HTTPStatus.ACCEPTED, view, Location=location)


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
