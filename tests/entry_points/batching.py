from datetime import timedelta
from typing import Any

from handlers.domain import clock
from handlers.domain.batches.batch import Batch, BatchState, Selection
from tests.builders import WORKSPACE, an_id


def a_batch(**changes: Any) -> Batch:
    """One that runs, and has selected nothing yet."""
    at = clock.now()
    literals: dict[str, Any] = {
        "id": an_id(90),
        "workspace": WORKSPACE,
        "created_at": at,
        "by": "alice",
        "selection": Selection(error_code="TimeoutError"),
        "state": BatchState.RUNNING,
        "revision": "first",
        "expires_at": at + timedelta(days=90),
    }
    return Batch.model_validate(literals | changes)
