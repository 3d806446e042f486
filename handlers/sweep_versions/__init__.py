"""Every month, where the context asks for it: delete published versions that no kept run names.

    sweep                the decision: which versions may go, in which order things are read
    function_versions    Lambda: versions and aliases
    version_references   DynamoDB: which versions are named by runs

To remove the feature, delete this folder and infra/functions/sweep_versions.py, and the setting deleteUnusedVersions,
which marks the versions that are published here.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.settings import check_environment
from handlers.sweep_versions.function_versions import FunctionVersions
from handlers.sweep_versions.sweep import SweepDeps, sweep_versions
from handlers.sweep_versions.version_references import VersionReferences
from handlers.telemetry import entry_point, log_fault, logger
from handlers.wiring import wiring

READS = ("table_name",)
check_environment(READS)

# A page of a long index takes its time; what is left then has its turn a month later.
RESERVE_MS = 60_000


@entry_point
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many versions were deleted, and how many stayed for which reason."""
    results = sweep_versions(
        SweepDeps(FunctionVersions(wiring.lambda_client), VersionReferences(wiring.table, report=log_fault)),
        has_time=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        report=lambda fault, arn: log_fault(fault, functionArn=arn),
    )
    done = {result.value: count for result, count in results.items()}
    logger.info("versions", extra={"versions": done})
    return done
