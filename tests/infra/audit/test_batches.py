from datetime import timedelta
from typing import Any

import pytest

from handlers.aws import batch_items
from handlers.domain.batches.batch import Batch, BatchState, Progress
from handlers.domain.runs.run import FunctionRun
from tests.builders import NOW, WORKSPACE, a_rerun, a_run, an_id
from tests.infra.audit.storing import ORIGINAL, RERUN, Storage

BATCH = an_id(9)
LATER = NOW + timedelta(days=89)


def a_batch(**changes: Any) -> Batch:
    literals: dict[str, Any] = {
        "id": BATCH,
        "workspace": WORKSPACE,
        "created_at": NOW - timedelta(hours=1),
        "by": "alice",
        "state": BatchState.RUNNING,
        "progress": Progress(selected=1, started=1),
        "open_runs": (RERUN,),
        "due_at": NOW,
        "revision": "r",
        "expires_at": LATER,
    }
    return Batch.model_validate(literals | changes)


def a_member(run_id: str, **changes: Any) -> FunctionRun:
    literals: dict[str, Any] = {"id": run_id, "status": "failure", "created_at": NOW, "expires_at": LATER}
    return a_rerun(a_run(id=ORIGINAL), **literals | {"batch_id": BATCH} | changes)


def a_storage(batch: Batch | None = None) -> Storage:
    """An original, and its re-run by the batch."""
    original = a_run(id=ORIGINAL, status="failure", created_at=NOW - timedelta(days=1), expires_at=LATER)
    return Storage().run(original).rerun(a_member(RERUN)).put(batch_items.of_batch(batch or a_batch()))


def test_a_batch_as_it_should_be_is_no_finding() -> None:
    assert a_storage().found() == []


@pytest.mark.parametrize("started", [0, 2])
def test_a_batch_that_has_counted_wrong_is_found(started: int) -> None:
    storage = a_storage(a_batch(progress=Progress(selected=started, started=started)))
    assert storage.found() == [("batch", BATCH)]
    assert storage.found(retention=timedelta(minutes=1)) == [], "some may have expired"


def test_a_step_that_is_under_way_counts_once_it_is_done() -> None:
    under_way = {"progress": Progress(), "chosen": (ORIGINAL,), "open_runs": ()}
    assert a_storage(a_batch(**under_way)).found() == []


def test_an_automatic_retry_is_not_counted() -> None:
    storage = a_storage()
    retry = a_member(an_id(3), retry_attempt=1)
    assert storage.rerun(retry).found() == []


def test_a_source_that_is_rerun_twice_is_found() -> None:
    storage = a_storage(a_batch(progress=Progress(selected=2, started=2)))
    again = a_member(an_id(3))
    assert storage.rerun(again).found() == [("batch", BATCH, *sorted((RERUN, again.id)))]


def test_a_batch_that_nobody_goes_on_with_is_found() -> None:
    assert a_storage(a_batch(due_at=None)).found() == [("batch-due", BATCH)]
    assert a_storage(a_batch(due_at=NOW - timedelta(minutes=5))).found() == [("batch-due", BATCH)]
    over = {"state": BatchState.COMPLETED, "open_runs": (), "due_at": None}
    assert a_storage(a_batch(**over)).found() == []


def test_a_batch_that_has_expired_is_as_good_as_gone() -> None:
    assert a_storage(a_batch(expires_at=NOW, progress=Progress(), due_at=None)).found() == []


def test_a_batch_that_cannot_be_read_is_found_and_not_quoted() -> None:
    storage = a_storage()
    storage.items[f"BATCH#{BATCH}", f"BATCH#{BATCH}"]["document"] = "{secret"
    [finding] = storage.findings()
    assert (finding.rule, finding.ids, finding.batches) == ("readable", (BATCH, f"BATCH#{BATCH}"), (BATCH,))
    assert "secret" not in finding.sentence
