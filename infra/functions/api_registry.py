from handlers import api_registry
from infra import grants
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_registry,
        grants=[
            grants.table(resources, "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem"),
            grants.index(resources, "byWorkspace"),
            grants.seal_inputs(resources),
            grants.unseal_inputs(resources),
            grants.manage_trigger_sources(resources),
            grants.check_event_patterns(),
            grants.invokable_functions(resources, "GetFunctionConfiguration"),
        ],
    )
