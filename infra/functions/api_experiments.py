from handlers import api_experiments
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_experiments,
        memory_mb=LARGE_MEMORY_MB,
        # GetItem reads the candidate's function.
        grants=[grants.start_runs(resources), grants.repeat_runs(resources), grants.table(resources, "GetItem")],
    )
