from handlers import api_runs
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_runs,
        memory_mb=LARGE_MEMORY_MB,
        grants=[
            grants.table(resources, "GetItem", "BatchGetItem", "Query"),
            grants.acts(resources, "PutItem"),
            # Each that `RunIndex` chooses among.
            grants.index(
                resources,
                *("byWorkspace", "byFunction", "failures", "unrecovered", "errorGroup", "groupFailures", "batch"),
            ),
            grants.unseal_inputs(resources),
            grants.unseal_outcomes(resources),
            grants.read_large_parts(resources),
        ],
    )
