"""Let a batch go on that nobody has moved in time: what the watchdog does with each that is overdue.

So a batch begins that was to begin at this moment, and goes on one whose execution was never started, or has died.
"""

from contextlib import suppress

from handlers.domain.batches.batch import Batch, BatchState
from handlers.domain.batches.moving import moved
from handlers.domain.batches.ports import BatchExecutions, RestartDeps
from handlers.domain.errors import Unavailable


def restart(batch: Batch, deps: RestartDeps) -> bool:
    """False if it has moved meanwhile. Raises Unavailable, and it is overdue still, or soon again."""
    state = batch.first_state if batch.state is BatchState.SCHEDULED else batch.state
    after = moved(batch, deps.retention, state=state, generation=batch.generation + 1)
    if not deps.batches.replace(batch, after):
        return False
    if after.needs_steps:
        deps.executions.start(after.id, after.generation)
    return True


def start_execution(batch: Batch, executions: BatchExecutions) -> None:
    """Of the batch as it is stored now. What cannot be started now the watchdog starts: it is before it by then."""
    with suppress(Unavailable):
        if batch.needs_steps:
            executions.start(batch.id, batch.generation)
