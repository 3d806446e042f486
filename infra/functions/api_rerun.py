from handlers import api_rerun
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_rerun,
        memory_mb=LARGE_MEMORY_MB,
        # Query finds the runs of a lineage that is to be re-run only if it is not recovered.
        grants=[grants.start_runs(resources), grants.repeat_runs(resources), grants.table(resources, "Query")],
    )
