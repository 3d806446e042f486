from handlers import api_error_groups
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_error_groups,
        memory_mb=LARGE_MEMORY_MB,
        grants=[
            grants.table(resources, "GetItem", "BatchGetItem", "UpdateItem", "PutItem"),
            grants.index(resources, "byWorkspace", "byFunction", "errorGroup", "groupFailures"),
            grants.unseal_outcomes(resources),
            grants.read_large_parts(resources),
        ],
    )
