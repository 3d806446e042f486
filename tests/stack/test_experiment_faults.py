"""A fault injected into every AWS call that starts an experiment: all of its runs are started or none, and the answer
is true; sent again under its key, the request is answered with the one experiment.
"""

from collections.abc import Iterator
from uuid import uuid4

import httpx
import pytest

from handlers.domain import clock
from handlers.domain.errors import NoParameters, RunNotFound, ServiceError, Unavailable
from handlers.domain.runs.run import Status
from handlers.domain.starting.experiments import StartedExperiment
from infra.local.local_stack import LocalStack
from tests.domain.starting.experimenting import experiment_on
from tests.faults.client import INJECTION, Case, answered, cancelled_by, cases
from tests.faults.kinds import Kind
from tests.stack.driver import Workspace
from tests.stack.lineage import Later, LineageFixture
from tests.stack.test_injected_faults import COUNTS

TRANSACTION = "dynamodb.TransactWriteItems"
PATH = [
    "dynamodb.BatchGetItem",
    "kms.Decrypt",
    "dynamodb.BatchGetItem",
    "kms.GenerateDataKey",
    TRANSACTION,
    *["sqs.SendMessage"] * 4,
]
# The experiment, three items of each run, the key, the act, and the original, which is the last.
ACTIONS = 1 + 4 * 3 + 2 + 1


@pytest.fixture(scope="module")
def prepared(
    local_stack: LocalStack, connection: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LineageFixture]:
    lineage = LineageFixture.of(Workspace(local_stack, connection), tmp_path_factory.mktemp("executions"))
    lineage.counted = lineage.directory / "executions"
    trigger, _ = lineage.workspace.trigger_of(COUNTS, params={"file": str(lineage.counted)})
    lineage.begin_with(trigger)
    yield lineage
    lineage.close()


@pytest.fixture
def lineage(prepared: LineageFixture, monkeypatch: pytest.MonkeyPatch) -> LineageFixture:
    prepared.later = Later()
    monkeypatch.setattr(clock, "now", prepared.later)
    return prepared


def asked(lineage: LineageFixture, key: str) -> StartedExperiment:
    return experiment_on(lineage.original, lineage.container(), workspace=lineage.workspace.name, key=key)


def test_faults_are_injected_into_the_calls_that_are_made(lineage: LineageFixture) -> None:
    with INJECTION.recorded() as calls:
        asked(lineage, uuid4().hex)
        assert calls == PATH
    lineage.execute_what_was_pushed()
    lineage.assert_consistent()


CASES = cases(
    PATH,
    Case(TRANSACTION, 1, "conflict", cancelled_by("TransactionConflict", *["None"] * (ACTIONS - 1))),
    Case(TRANSACTION, 1, "the original is gone", cancelled_by(*["None"] * (ACTIONS - 1), "ConditionalCheckFailed")),
    Case(TRANSACTION, 1, "in progress", answered(400, "TransactionInProgressException")),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_all_runs_are_started_or_none_and_the_answer_is_true(lineage: LineageFixture, case: Case) -> None:
    before, known, key = lineage.items(), lineage.run_ids(), uuid4().hex
    actual: StartedExperiment | ServiceError
    with INJECTION.inject(case.operation, case.fault, nth=case.nth):
        try:
            actual = asked(lineage, key)
        except ServiceError as refusal:
            actual = refusal
    made = lineage.run_ids() - known
    if isinstance(actual, ServiceError):
        expected = (RunNotFound, NoParameters) if case.name == "the original is gone" else (Unavailable,)
        assert isinstance(actual, expected)
        is_recorded = (case.operation, case.name) == (TRANSACTION, Kind.ANSWER_LOST)
        assert len(made) == (4 if is_recorded else 0)
        assert is_recorded or lineage.items() == before
    again = asked(lineage, key)
    assert lineage.run_ids() - known == {*again.pinned, *again.candidate}
    if isinstance(actual, StartedExperiment):
        assert again == actual
    executed = len(lineage.counted.read_text())
    for run_id in [*again.pinned, *again.candidate]:
        ended = lineage.mark_published(lineage.stored(run_id))
        assert (ended.status, ended.execution_attempts, ended.event_pending) == (Status.COMPLETED, 1, False)
    assert len(lineage.counted.read_text()) == executed + 4
    lineage.assert_consistent()
