"""Compare two runs, or those of an experiment."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.compare import COMPARE_RUNS, Comparison
from handlers.api.experiments import GET_EXPERIMENT, ExperimentView, NoVerdict
from handlers.api.operations import REVEAL
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.domain.audit.act import Act, Action
from handlers.domain.comparing.comparison import COMPARED, compare_contents, read_pair
from handlers.domain.comparing.experiments import Finding, FoundExperiment, find_experiment, finding_of
from handlers.domain.identity import Caller
from handlers.domain.runs.acts import on_run
from handlers.settings import RUNS, check_environment
from handlers.telemetry import audited, entry_point
from handlers.wiring import wiring

READS = (*RUNS, "input_key_arn", "outcome_key_arn", "audit_retention_days")
check_environment(READS)

app = Resolver()


@app.operation(COMPARE_RUNS)
def compare_runs(workspace: str, run_id: str) -> Response[Any]:
    pair, caller = read_pair(workspace, run_id, app.query().get("with"), wiring.runs), app.permitted.caller
    if not caller.may(workspace, *REVEAL):
        return json_response(HTTPStatus.OK, Comparison.without_content(pair))
    about = {"run_id": pair.after.id, "with_run_id": pair.before.id}
    with audited(Action.COMPARE, workspace=workspace, **about) as line:
        line["by"] = caller.subject
        contents = compare_contents(pair, wiring.runs, wiring.cipher)
        act = Act.done(Action.COMPARE, caller.subject, workspace, kept_for=wiring.acts_kept_for, **about)
        # Only once there is something to show, and before it is shown.
        wiring.audit_log.write(on_run(act, pair.after, parts=COMPARED))
    return json_response(HTTPStatus.OK, Comparison.with_content(pair, contents))


@app.operation(GET_EXPERIMENT)
def get_experiment(workspace: str, run_id: str, experiment_id: str) -> Response[Any]:
    found = find_experiment(workspace, run_id, experiment_id, wiring.experiments, wiring.runs)
    return json_response(HTTPStatus.OK, ExperimentView.of(found, finding_for(app.permitted.caller, found)))


def finding_for(caller: Caller, found: FoundExperiment) -> Finding | NoVerdict:
    """It says whether results are equal: that is content."""
    experiment = found.experiment
    if not caller.may(experiment.workspace, *REVEAL):
        return NoVerdict.REVEAL_REQUIRED
    if not found.is_over:
        return NoVerdict.RUNS_OPEN
    workspace, about = experiment.workspace, {"run_id": experiment.source_run_id, "experiment_id": experiment.id}
    with audited(Action.EXPERIMENT_VERDICT, workspace=workspace, **about) as line:
        line["by"] = caller.subject
        finding = finding_of(found, wiring.runs, wiring.cipher)
        act = Act.done(Action.EXPERIMENT_VERDICT, caller.subject, workspace, kept_for=wiring.acts_kept_for, **about)
        # A source run that is itself a re-run may have expired.
        wiring.audit_log.write(on_run(act, found.source) if found.source else act)
    return finding


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
