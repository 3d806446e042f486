"""A re-run that was planned is executed on the code that its plan has shown, or not at all."""

import json

import pytest

from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.run import Content, ErrorSource, Pin, Status
from handlers.domain.starting.retry import RetryResult, retry
from tests.builders import FUNCTION_ARN, a_pin, a_run, a_trigger
from tests.domain.starting.planning import token_for
from tests.domain.starting.rerunning import request, rerun
from tests.fakes import World


def planned_rerun(world: World) -> str:
    """The id of a re-run on the code that is current now."""
    token = token_for(world, useLatestCode=True)
    return rerun(request(useLatestCode=True, planToken=token), world).id


def test_code_that_is_as_planned_is_executed(installed: World) -> None:
    run_id = planned_rerun(installed)
    execute(run_id, installed.execution_deps)
    assert (installed.run(run_id).status, installed.run(run_id).pin) == (Status.COMPLETED, a_pin(7))


def test_code_that_was_only_published_since_is_as_planned(installed: World) -> None:
    installed.code.now[FUNCTION_ARN] = a_pin(7, function_version="$LATEST")
    run_id = planned_rerun(installed)
    installed.code.now[FUNCTION_ARN] = a_pin(7)
    execute(run_id, installed.execution_deps)
    assert installed.run(run_id).status is Status.COMPLETED


@pytest.mark.parametrize(
    "deployed", [a_pin(8), a_pin(8, function_code_hash="hash-of-7"), a_pin(8, config_hash=a_pin(7).config_hash)]
)
def test_what_was_deployed_between_post_and_claim_is_not_executed(installed: World, deployed: Pin) -> None:
    run_id = planned_rerun(installed)
    installed.code.now[FUNCTION_ARN] = deployed
    execution = execute(run_id, installed.execution_deps)
    run = installed.run(run_id)
    assert execution.result is ExecutionResult.FINISHED
    assert (run.status, run.error_code, run.error_source) == (Status.FAILURE, "PlanOutdated", ErrorSource.SERVICE)
    assert (run.execution_attempts, run.pin) == (0, None)
    assert installed.invoker.invocations == []
    error = json.loads(installed.opened(run, Content.ERROR) or b"")
    assert error["errorType"] == "PlanOutdated"


def test_a_configuration_that_the_plan_did_not_know_is_not_compared(installed: World) -> None:
    installed.code.now[FUNCTION_ARN] = a_pin(7, config_hash=None)
    run_id = planned_rerun(installed)
    installed.code.now[FUNCTION_ARN] = a_pin(8, function_code_hash="hash-of-7")
    execute(run_id, installed.execution_deps)
    assert installed.run(run_id).status is Status.COMPLETED


def test_it_is_not_retried(world: World) -> None:
    policy = RetryPolicy.read({"maxRetries": 3, "retryManualReruns": True})
    world.has_registered(a_trigger(retry_policy=policy))
    world.has_run(a_run())
    run_id = planned_rerun(world)
    world.code.now[FUNCTION_ARN] = a_pin(8)
    execute(run_id, world.execution_deps)
    assert retry(run_id, world.runs, world.rerun_deps, world.start_deps).result == RetryResult.NOT_RETRYABLE
