"""Every hour: no object outlives the run that it belongs to."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.upkeep.housekeeping import delete_expired
from handlers.settings import check_environment
from handlers.telemetry import entry_point, log_fault, logger
from handlers.wiring import wiring

READS = ("table_name", "bucket_name")
check_environment(READS)

# What is left when time runs out is still due an hour later.
RESERVE_MS = 10_000


@entry_point
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many objects had each result."""
    done = delete_expired(
        wiring.expiry_deps,
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        report=lambda fault, key: log_fault(fault, object=key),
    )
    if done:
        logger.info("housekeeping", extra={"done": dict(done)})
    return {result.value: count for result, count in done.items()}
