"""A trigger that retries, runs of it that fail, and the retries of those."""

from typing import Any

from handlers.domain.registry.retry_policy import RetryPolicy, read_retry_policy
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.starting.retry import retry
from handlers.wiring import Wiring
from tests.builders import RUN_ID, a_run, a_trigger
from tests.fakes import World

POLICY = {"maxRetries": 2, "initialDelaySeconds": 10, "jitter": "none"}
FAILURE = Outcome.of_error("TimeoutError", "The warehouse does not answer.")


def a_policy(**changes: Any) -> RetryPolicy:
    policy = read_retry_policy(POLICY | changes)
    assert policy is not None
    return policy


def retries(world: World, **changes: Any) -> None:
    """Let the trigger have this retry policy."""
    world.has_registered(a_trigger(retry_policy=a_policy(**changes)))


def has_failed(world: World, **changes: Any) -> FunctionRun:
    """A run that has failed, and whose event is published, but not yet processed."""
    run = a_run(status="pending", retriable=True, **changes)
    world.has_run(run, b'{"order":1.0}')
    world.invoker.script = [FAILURE]
    execute(run.id, world.execution_deps)
    world.queue.pushed.clear()
    assert world.run(run.id).status is Status.FAILURE
    return world.run(run.id)


def retry_of(world: World, run_id: str = RUN_ID) -> str:
    """What becomes of the event of a failure."""
    return retried(run_id, world)


def retried(run_id: str, installation: World | Wiring) -> str:
    return retry(run_id, installation.runs, installation.rerun_deps, installation.start_deps).result


def retries_in(world: World) -> list[FunctionRun]:
    found = [run for run in world.runs.runs.values() if run.execution_source == "retry"]
    return sorted(found, key=lambda run: run.retry_attempt or 0)
