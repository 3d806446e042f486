"""Every month, where the context asks for it: versions that no kept run names are deleted."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.upkeep.version_sweep import sweep_versions
from handlers.log import log_fault, logger
from handlers.settings import check_environment
from handlers.wiring import wiring

READS = ("table_name",)
check_environment(READS)

# A page of a long index takes its time; what is left then has its turn a month later.
RESERVE_MS = 60_000


@logger.inject_lambda_context
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many versions were deleted, and how many stayed for which reason."""
    results = sweep_versions(
        wiring.sweep_deps,
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        report=lambda fault, arn: log_fault(fault, functionArn=arn),
    )
    done = {fate.value: count for fate, count in results.items()}
    logger.info("versions", extra={"versions": done})
    return done
