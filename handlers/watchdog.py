"""Every minute: no open run is forgotten."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.recovery import recover
from handlers.log import log_fault, logger
from handlers.wiring import wiring

# What is left when time runs out is still overdue a minute later.
RESERVE_MS = 10_000


@logger.inject_lambda_context
def lambda_handler(_: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Gives how many runs were overdue, by remedy."""
    done: dict[str, int] = {}
    for run in wiring.runs.overdue():
        if context.get_remaining_time_in_millis() < RESERVE_MS:
            break
        try:
            remedy = recover(run, wiring.watchdog).value
        except Exception as fault:  # noqa: BLE001 - one run that cannot be helped must not keep the others waiting
            log_fault(fault, runId=run.id)
            remedy = "failed"
        done[remedy] = done.get(remedy, 0) + 1
    if done:
        logger.info("overdue runs", extra={"done": done})
    return done
