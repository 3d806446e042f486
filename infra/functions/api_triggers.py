from handlers import api_triggers
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_triggers,
        memory_mb=LARGE_MEMORY_MB,
        grants=[grants.start_runs(resources), grants.table(resources, "GetItem")],
    )
