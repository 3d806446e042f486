from aws_cdk.aws_lambda import RecursiveLoop

from handlers import execute_runs
from infra import grants
from infra.event_sources import queue_messages
from infra.function import Function
from infra.messaging import EXECUTOR_TIMEOUT
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=execute_runs,
        timeout=EXECUTOR_TIMEOUT,
        # A run with 4 MB of parameters and of result peaks at 111 MB; what more there is buys CPU for cold starts, and
        # is paid for as long as functions are awaited.
        memory_mb=512,
        grants=[
            # Query finds the parts of a run that are not yet where they stay. DeleteItem is for the outcome of a run
            # whose content was erased meanwhile.
            grants.table(resources, "BatchGetItem", "PutItem", "UpdateItem", "Query", "DeleteItem"),
            # The secret of the stack, which hashes of configurations are keyed with, is made by who needs it first.
            grants.seal_inputs(resources),
            grants.unseal_inputs(resources),
            grants.seal_outcomes(resources),
            grants.write_large_parts(resources),
            grants.erase_large_parts(resources),
            grants.send_runs(resources),
            grants.end_runs(resources),
            grants.invokable_functions(resources, "InvokeFunction", "GetFunction", "PublishVersion"),
            grants.deny_own_functions(resources),
        ],
        sources=[
            queue_messages(
                resources.messaging.run_queue,
                # A batch ends with its slowest run: of several, all but one place would be held for nothing.
                batch_size=1,
                max_concurrency=resources.settings.max_concurrent_executions,
            )
        ],
        # A throttled run sends itself to the queue again: that is a wait, not a runaway loop.
        recursive_loop=RecursiveLoop.ALLOW,
    )
