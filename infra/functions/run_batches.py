from aws_cdk import Duration

from handlers import run_batches
from infra import batches, grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=run_batches,
        # A step starts re-runs for eight seconds; what it has begun then has the rest.
        timeout=Duration.seconds(30),
        memory_mb=LARGE_MEMORY_MB,
        grants=[
            grants.start_runs(resources),
            grants.repeat_runs(resources),
            # Query finds the runs of a lineage: it is re-run only if it is not recovered.
            grants.table(resources, "GetItem", "Query"),
            # "due" says how many batches are at work.
            grants.index(resources, "unrecovered", "errorGroup", "due"),
            # Open re-runs of a batch that is cancelled are cancelled with it.
            grants.end_runs(resources),
            grants.delete_overrides_of_batches(resources),
            grants.start_batches(resources),
        ],
        sources=[batches.drive(resources.settings)],
    )
