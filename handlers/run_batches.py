"""One step of a batch of re-runs: count what has ended, decide, start some more.

A state machine calls it, waits for as long as it says, and calls it again with its answer. What that carries is seen
by whoever may read executions: ids and numbers, and no message of an error.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.batches.stepping import step
from handlers.domain.log_context import add_ids
from handlers.settings import INVOKABLE, STARTED_RUNS, check_environment
from handlers.telemetry import Metric, count, entry_point, log_fault, logger
from handlers.wiring import wiring

READS = (
    *(*STARTED_RUNS, *INVOKABLE, "lifecycle_bus_name", "batches_arn"),
    *("max_concurrent_executions", "max_concurrent_executions_per_workspace"),
)
check_environment(READS)

# For what a step has begun, and for its last write.
RESERVE_MS = 22_000


class StepFailed(Exception):
    """The log says why. The state machine tries again."""


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Raises StepFailed."""
    batch_id, generation = str(event["batchId"]), int(event["generation"])
    add_ids(batchId=batch_id)
    time_left = context.get_remaining_time_in_millis
    try:
        done = step(
            batch_id, generation, int(event["steps"]), wiring.step_deps, has_time=lambda: time_left() > RESERVE_MS
        )
    except Exception as fault:  # noqa: BLE001 - what it says may be content
        log_fault(fault)
        raise StepFailed from None
    if done.has_stopped:
        count(Metric.BATCHES_STOPPED)
    logger.info("step", extra={"generation": generation, "isOver": done.is_over, "waitSeconds": done.wait_seconds})
    return {
        "batchId": batch_id,
        "generation": generation,
        "steps": done.steps,
        "isOver": done.is_over,
        "waitSeconds": done.wait_seconds,
    }
