from handlers import api_rerun
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_rerun,
        memory_mb=LARGE_MEMORY_MB,
        grants=[grants.start_runs(resources), grants.repeat_runs(resources)],
    )
