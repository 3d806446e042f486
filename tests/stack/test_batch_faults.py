"""Kill any step of a batch, double it, lose any of its calls: each source is re-run once, and the batch ends.

Steps are taken in this process with the real adapters, against the deployed stack's table, keys and queue; the
operator's audit must find nothing afterwards.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from uuid import uuid4

import httpx
import pytest

from handlers.domain import clock
from handlers.domain.batches.batch import BatchState
from handlers.domain.errors import Unavailable
from handlers.domain.paging import Page
from handlers.domain.starting.idempotency import request_key
from infra.local.local_stack import LocalStack
from tests.faults.client import ANY, INJECTION, Case, answered, cases
from tests.faults.kinds import Kind
from tests.stack.batching import BatchFixture
from tests.stack.driver import Workspace

SOURCES = 3
STORE = ["dynamodb.TransactWriteItems", "sfn.StartExecution"]
# Of a step: the batch, the runs that it names, these, their triggers and functions; what is about to be started; the
# overrides, parameters, a run and its message; what has come of it.
PATH = [
    *("dynamodb.GetItem", "dynamodb.Query", "dynamodb.GetItem"),
    *["dynamodb.BatchGetItem"] * 2,
    "dynamodb.PutItem",
    *("dynamodb.GetItem", "kms.Decrypt"),
    *("dynamodb.BatchGetItem", "kms.Decrypt"),
    *("kms.GenerateDataKey", "dynamodb.TransactWriteItems", "sqs.SendMessageBatch"),
    "dynamodb.PutItem",
]
# Few kinds, because each case is a batch from its beginning to its end.
KINDS = {Kind.THROTTLED, Kind.ANSWER_LOST}
CASES = [
    *(case for case in cases(PATH) if case.name in KINDS),
    Case("kms.Decrypt", 1, "the key is disabled", answered(400, "DisabledException")),
    Case("kms.GenerateDataKey", 1, "no grant", answered(400, "AccessDeniedException")),
]


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


class Stage:
    """A batch whose next step is the one that is looked at: the first starts the canary, the second all others."""

    def __init__(self, batch: BatchFixture, *, is_first: bool) -> None:
        self.batch = batch
        batch.lineage.later.by = timedelta()
        batch.fail(SOURCES)
        batch.start()
        if not is_first:
            batch.step(batch.step_deps())
            batch.lineage.execute_what_was_pushed()
            batch.lineage.later.by += timedelta(seconds=10)
        self.deps = batch.step_deps()

    def step(self) -> None:
        self.batch.step(self.deps)


@pytest.mark.parametrize("is_first", [True, False], ids=["canary", "rest"])
def test_a_death_before_any_call_leaves_nothing_that_the_next_step_does_not_find(
    batch: BatchFixture, is_first: bool
) -> None:
    for nth in count(1):
        stage = Stage(batch, is_first=is_first)
        died_before = INJECTION.dies_at(nth, stage.step)
        assert_it_ends(batch, after=(nth, died_before))
        if died_before is None:
            assert nth > len(PATH)
            return


@pytest.mark.parametrize("is_first", [True, False], ids=["canary", "rest"])
def test_a_step_that_is_doubled_at_any_call_starts_nothing_twice(batch: BatchFixture, is_first: bool) -> None:
    for nth in range(1, len(PATH) + 1):
        stage = Stage(batch, is_first=is_first)
        with INJECTION.inject(ANY, lambda _, batch=batch: batch.step(batch.step_deps()) and None, nth=nth):  # type: ignore[misc]
            stage.step()
        assert_it_ends(batch, after=nth)


def test_faults_are_injected_into_the_calls_that_are_made(batch: BatchFixture) -> None:
    stage = Stage(batch, is_first=True)
    with INJECTION.recorded() as calls:
        stage.step()
        assert calls == PATH
    assert_it_ends(batch)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_call_of_a_step_that_is_lost_or_refused_is_made_up_for(batch: BatchFixture, case: Case) -> None:
    stage = Stage(batch, is_first=True)
    with INJECTION.inject(case.operation, case.fault, nth=case.nth):
        stage.step()
    assert_it_ends(batch, after=case)


@pytest.mark.parametrize("case", cases(STORE), ids=str)
def test_a_batch_is_started_once_or_the_answer_says_that_it_is_not(batch: BatchFixture, case: Case) -> None:
    """What is stored and has no execution the watchdog lets go on."""
    batch.fail(SOURCES)
    key = request_key(uuid4().hex, batch.lineage.workspace.name, "alice", {})
    with suppress(Unavailable), INJECTION.inject(case.operation, case.fault, nth=case.nth):
        batch.start(key=key)
    again = batch.start(key=key)
    assert [each.id for each in batch.container().batches.list_batches(again.workspace, Page(1))[0]] == [again.id]
    assert len([act for act in batch.acts() if act.batch_id == again.id]) == 1
    assert_it_ends(batch, after=case)
