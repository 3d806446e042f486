from handlers import api_rerun_plan
from infra import grants
from infra.function import LARGE_MEMORY_MB, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_rerun_plan,
        memory_mb=LARGE_MEMORY_MB,
        # Whatever becomes of its code: it cannot write, publish or invoke.
        grants=[
            grants.table(resources, "BatchGetItem", "Query"),
            # What it seals is the token that it answers with.
            grants.seal_inputs(resources),
            grants.unseal_inputs(resources),
            grants.read_large_parts(resources),
            grants.invokable_functions(resources, "GetFunction"),
            grants.deny_own_functions(resources),
        ],
    )
