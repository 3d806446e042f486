from handlers import api_cancel
from infra import grants
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_cancel,
        grants=[
            # PutItem is for the act, in one transaction with the run.
            grants.table(resources, "GetItem", "PutItem", "UpdateItem"),
            grants.end_runs(resources),
        ],
    )
