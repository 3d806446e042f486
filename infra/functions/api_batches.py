from handlers import api_batches
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_batches,
        memory_mb=LARGE_MEMORY_MB,
        grants=[
            # No runs are started here: that is what steps do. A plan looks for the lineages' newest re-runs (Query).
            grants.table(resources, "GetItem", "BatchGetItem", "Query", "PutItem"),
            grants.index(resources, "byWorkspace", "unrecovered", "errorGroup", "batch"),
            # The overrides, and what an idempotency key was sent with.
            grants.seal_inputs(resources),
            grants.unseal_inputs(resources),
            grants.delete_overrides_of_batches(resources),
            grants.start_batches(resources),
        ],
    )
