from handlers import capture_failures
from infra import grants
from infra.event_sources import queue_messages
from infra.function import Function
from infra.messaging import CAPTURE_BATCH_SIZE, CAPTURE_TIMEOUT
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=capture_failures,
        timeout=CAPTURE_TIMEOUT,
        grants=[
            grants.table(resources, "Query", "BatchGetItem", "PutItem", "UpdateItem"),
            grants.seal_inputs(resources),
            # One of them is what error groups are keyed with.
            grants.unseal_secrets(resources),
            grants.seal_outcomes(resources),
            grants.write_large_parts(resources),
            grants.end_runs(resources),
        ],
        sources=[queue_messages(resources.capture.queue, batch_size=CAPTURE_BATCH_SIZE)],
    )
