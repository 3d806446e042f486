"""How tests ask for an experiment."""

from typing import Any

from handlers.domain.runs.experiment import Experiment
from handlers.domain.starting.experiments import (
    ExperimentBody,
    ExperimentRequest,
    StartedExperiment,
    commit_experiment,
    prepare_experiment,
)
from handlers.domain.starting.idempotency import request_key
from handlers.wiring import Wiring
from tests.builders import RUN_ID, WORKSPACE
from tests.fakes import World


def experiment_on(
    run_id: str, installation: World | Wiring, *, workspace: str = WORKSPACE, key: str | None = None, **body: Any
) -> StartedExperiment:
    """What POST …/experiments does with it."""
    options = ExperimentBody.read(body)
    kept = request_key(key, workspace, "user-123", ["experiment", run_id, options.normal_form()])
    asked = ExperimentRequest(workspace, run_id, "user-123", options, kept)
    prepared = prepare_experiment(asked, installation.rerun_deps)
    if isinstance(prepared, StartedExperiment):
        return prepared
    return commit_experiment(prepared, installation.experiment_deps)


def started(world: World, run_id: str = RUN_ID, *, key: str | None = None, **body: Any) -> StartedExperiment:
    return experiment_on(run_id, world, key=key, **body)


def the_experiment(world: World) -> Experiment:
    """The only one that there is."""
    ((_, stored),) = world.runs.experiments.items()
    return stored.experiment
