from handlers import api_audit
from infra import grants
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_audit,
        grants=[
            grants.acts(resources, "Query", "PutItem"),
            grants.unseal_inputs(resources),
        ],
    )
