from handlers import api_compare
from infra import grants
from infra.function import Function
from infra.resources import Resources

# Two results of 4 MB, as many small values, are some hundred MB in Python; and 1,769 MB have a whole vCPU.
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_MEMORY_MB = 1769


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_compare,
        memory_mb=_MEMORY_MB,
        grants=[
            grants.table(resources, "GetItem", "BatchGetItem"),
            grants.acts(resources, "PutItem"),
            grants.unseal_inputs(resources),
            grants.unseal_outcomes(resources),
            grants.read_large_parts(resources),
        ],
    )
