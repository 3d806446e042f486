from handlers import api_erase
from infra import grants
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=api_erase,
        grants=[
            # It can seal and open nothing. PutItem is for the act, and for what reminds the watchdog.
            grants.table(resources, "GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"),
            grants.erase_large_parts(resources),
            grants.end_runs(resources),
        ],
    )
