"""Every minute: no open run is forgotten."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.recovery import sweep
from handlers.log import log_fault, logger
from handlers.wiring import wiring

# What is left when time runs out is still overdue a minute later.
RESERVE_MS = 10_000


@logger.inject_lambda_context
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many runs were overdue, by remedy."""
    done = sweep(
        wiring.watchdog,
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        report=lambda fault, run: log_fault(fault, runId=run.id),
    )
    if done:
        logger.info("overdue runs", extra={"done": dict(done)})
    return {remedy.value: count for remedy, count in done.items()}
