"""Kill any step of a batch, double it, lose any of its calls: each source is re-run once, and the batch ends.

Steps are taken in this process with the real adapters, against the deployed stack's table, keys and queue; the
operator's audit must find nothing afterwards.
"""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import httpx
import pytest

from handlers.domain import clock
from handlers.domain.batches.batch import BatchState
from infra.local.local_stack import LocalStack
from tests.faults.client import INJECTION, answered
from tests.stack.batching import BatchFixture
from tests.stack.driver import Workspace

SOURCES = 3
STORE = ["dynamodb.TransactWriteItems", "states.StartExecution"]
KMS_DENIES = answered(400, "AccessDeniedException")


@pytest.fixture(scope="module")
def prepared(
    local_stack: LocalStack, connection: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BatchFixture]:
    fixture = BatchFixture.of(Workspace(local_stack, connection), tmp_path_factory.mktemp("executions"))
    yield fixture
    fixture.close()


@pytest.fixture
def batch(prepared: BatchFixture, monkeypatch: pytest.MonkeyPatch) -> BatchFixture:
    monkeypatch.setattr(clock, "now", prepared.lineage.later)
    prepared.lineage.later.by = timedelta()
    prepared.fail(SOURCES)
    return prepared


def assert_it_ends(batch: BatchFixture, *, after: object = None) -> None:
    ended = batch.go_on()
    batch.lineage.later.by += timedelta(hours=1)
    batch.watch()
    batch.lineage.execute_what_was_pushed()
    assert ended.state is BatchState.COMPLETED, after
    progress = ended.progress
    assert (progress.selected, progress.started, progress.completed) == (SOURCES, SOURCES, SOURCES), after
    batch.assert_each_source_is_rerun_once()
    assert batch.findings() == [], after


def test_a_death_before_any_call_of_a_step_leaves_nothing_that_the_next_one_does_not_find(batch: BatchFixture) -> None:
    """Both of the first step, which starts the canary, and of the second, which counts it and starts the rest."""
    for first in (True, False):
        for nth in count(1):
            batch.lineage.later.by = timedelta()
            batch.fail(SOURCES)
            batch.start()
            if not first:
                batch.step(batch.step_deps())
                batch.lineage.execute_what_was_pushed()
                batch.lineage.later.by += timedelta(seconds=10)
            deps = batch.step_deps()
            died_before = INJECTION.dies_at(nth, lambda deps=deps: batch.step(deps))  # type: ignore[misc]
            assert_it_ends(batch, after=(first, nth, died_before))
            if died_before is None:
                assert nth > 5, "a step makes more calls than that"
                break
