"""Find batches, and the re-runs that they have started."""

from handlers.domain.batches.batch import Batch
from handlers.domain.batches.ports import BatchReader
from handlers.domain.errors import NotFound
from handlers.domain.ids import parse_id
from handlers.domain.query import Query, one_of, read_filters
from handlers.domain.runs.listing import Filters
from handlers.domain.runs.run import Status


def find_batch(workspace: str, batch_id: str, batches: BatchReader) -> Batch:
    """Raises NotFound, also for what is another workspace's."""
    known = parse_id(batch_id)
    batch = None if known is None else batches.read(known)
    if batch is None or batch.workspace != workspace:
        raise NotFound("Batch")
    return batch


def reruns_of(batch: Batch, query: Query) -> Filters:
    """Raises InvalidRequest naming the parameter."""
    return Filters(batch_id=batch.id, **read_filters(query, {"status": one_of(Status)}))
