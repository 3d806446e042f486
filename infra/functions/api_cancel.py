from handlers import api_cancel
from infra import grants
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_cancel,
        grants=[
            grants.table(resources, "GetItem", "UpdateItem"),
            grants.acts(resources, "PutItem"),
            grants.publish_lifecycle_events(resources),
        ],
    )
