"""A fault injected into every AWS call on the way of a re-run: the caller's answer stays true, and the run ends.

The stories run in this process, with the real adapters, against the deployed stack's table, key and bus and a queue of
their own. No client retries, so each fault is seen by our code. "Lost" means that the call took effect and its answer
never arrived.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import httpx
import pytest

from handlers.domain import clock
from handlers.domain.errors import RunNotFound, ServiceError, Unavailable
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.upkeep.recovery import recover
from infra.local.local_stack import LocalStack
from tests.faults.answers import answer
from tests.faults.client import INJECTION, KINDS, Case, answered, cancelled_by, cases, fault
from tests.faults.kinds import Kind
from tests.stack.driver import Workspace
from tests.stack.lineage import Later, LineageFixture

COUNTS = """
def handler(event, context):
    open(event['file'], 'a').write('x')
    return {'counted': 'x' * event.get('size', 1)}
"""

RERUN_PATH = [
    "dynamodb.BatchGetItem",
    "kms.Decrypt",
    "dynamodb.BatchGetItem",
    "kms.GenerateDataKey",
    "dynamodb.TransactWriteItems",
    "sqs.SendMessage",
]
EXECUTE_PATH = [
    "dynamodb.BatchGetItem",
    "lambda.GetFunction",
    "lambda.PublishVersion",
    # The secret that the hash of a configuration is keyed with: once a container.
    "dynamodb.BatchGetItem",
    "kms.Decrypt",
    "dynamodb.UpdateItem",
    "kms.Decrypt",
    "lambda.Invoke",
    "kms.GenerateDataKey",
    "dynamodb.TransactWriteItems",
    # The original is recovered by it, if it has failed or fails yet.
    "dynamodb.UpdateItem",
    "eventbridge.PutEvents",
    "dynamodb.UpdateItem",
]
TRANSACTION = "dynamodb.TransactWriteItems"
UPDATE = "dynamodb.UpdateItem"
CONFLICT = "com.amazonaws.dynamodb.v20120810#TransactionConflictException"
CONDITION = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"


@pytest.fixture(scope="module")
def prepared(
    local_stack: LocalStack, connection: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LineageFixture]:
    lineage = LineageFixture.of(Workspace(local_stack, connection), tmp_path_factory.mktemp("executions"))
    trigger, _ = lineage.workspace.trigger_of(COUNTS, params={"file": str(lineage.directory / "original")})
    lineage.begin_with(trigger)
    assert lineage.stored(lineage.original).status is Status.COMPLETED
    yield lineage
    lineage.close()


@pytest.fixture
def lineage(prepared: LineageFixture, monkeypatch: pytest.MonkeyPatch) -> LineageFixture:
    prepared.later = Later()
    monkeypatch.setattr(clock, "now", prepared.later)
    return prepared


def test_faults_are_injected_into_the_calls_that_are_made(lineage: LineageFixture) -> None:
    with INJECTION.recorded() as calls:
        new = lineage.rerun(lineage.container())
        assert calls == RERUN_PATH
    with INJECTION.recorded() as calls:
        assert execute(new.id, lineage.container().execution_deps).result is ExecutionResult.FINISHED
        assert calls == EXECUTE_PATH
    lineage.mark_published(new)
    assert lineage.executions() == 1
    lineage.assert_consistent()


RERUN_CASES = cases(
    RERUN_PATH,
    Case(TRANSACTION, 1, "conflict", cancelled_by("TransactionConflict", *["None"] * 5)),
    Case(TRANSACTION, 1, "the original is gone", cancelled_by(*["None"] * 5, "ConditionalCheckFailed")),
    Case(TRANSACTION, 1, "in progress", answered(400, "TransactionInProgressException")),
    Case(
        "dynamodb.BatchGetItem",
        1,
        "nothing processed",
        lambda request: answer(200, unprocessed(json.loads(request.body))),
    ),
)


def unprocessed(request: dict[str, Any]) -> dict[str, Any]:
    return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}


# These are overcome within the request itself.
OVERCOME = {"conflict", "in progress", "nothing processed"}


@pytest.mark.parametrize("case", RERUN_CASES, ids=str)
def test_the_answer_to_a_caller_of_rerun_is_true(lineage: LineageFixture, case: Case) -> None:
    before, known = lineage.items(), lineage.run_ids()
    actual: FunctionRun | ServiceError
    with INJECTION.inject(case.operation, case.fault, nth=case.nth):
        try:
            actual = lineage.rerun(lineage.container())
        except ServiceError as refusal:
            actual = refusal

    made = lineage.run_ids() - known
    if isinstance(actual, FunctionRun):
        assert case.operation == "sqs.SendMessage" or case.name in OVERCOME, "it cannot have worked"
        assert made == {actual.id}
    else:
        # None of these is the caller's fault, but for the one that says so.
        assert isinstance(actual, RunNotFound if case.name == "the original is gone" else Unavailable)
        if (case.operation, case.name) != (TRANSACTION, Kind.ANSWER_LOST):
            assert made == set()
            assert lineage.items() == before
            return
        assert len(made) == 1
    ended = lineage.mark_published(lineage.stored(made.pop()))
    assert (ended.status, ended.execution_attempts) == (Status.COMPLETED, 1)
    assert (ended.event_pending, ended.deadline) == (False, None)
    assert lineage.executions() == 1
    lineage.assert_consistent()


TWICE = {
    ("lambda.Invoke", Kind.ANSWER_LOST),
    (TRANSACTION, "the claim is lost"),
    (UPDATE, "the claim is lost"),
}
"""Between the invocation and its recorded outcome lies the one window in which a run executes again."""

EXECUTE_CASES = cases(
    EXECUTE_PATH,
    Case("lambda.GetFunction", 1, "being updated", answered(409, "ResourceConflictException")),
    Case("lambda.PublishVersion", 1, "being updated", answered(409, "ResourceConflictException")),
    Case("lambda.Invoke", 1, "not ready", answered(502, "ResourceNotReadyException")),
    Case(UPDATE, 1, "another claims", answered(400, CONDITION)),
    Case(TRANSACTION, 1, "the claim is lost", cancelled_by("None", "ConditionalCheckFailed")),
    Case(TRANSACTION, 1, "conflict", cancelled_by("None", "TransactionConflict")),
    Case(UPDATE, 2, "the original is gone", answered(400, CONDITION)),
    Case(UPDATE, 3, "another has published it", answered(400, CONDITION)),
    *(Case(UPDATE, nth, "conflict", answered(400, CONFLICT)) for nth in (1, 2, 3)),
    Case(
        "eventbridge.PutEvents",
        1,
        "200 that took nothing",
        lambda _: answer(200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}),
    ),
)

# An outcome that is not written in one transaction with its run: the calls that differ.
OVER_A_WRITE_UNIT = [
    *cases(["dynamodb.PutItem"]),
    *(case._replace(nth=2) for case in cases([UPDATE])),
    Case(UPDATE, 2, "the claim is lost", answered(400, CONDITION)),
    Case(UPDATE, 2, "conflict", answered(400, CONFLICT)),
]


@pytest.mark.parametrize(
    ("case", "size"),
    [*((case, 1) for case in EXECUTE_CASES), *((case, 2_000) for case in OVER_A_WRITE_UNIT)],
    ids=str,
)
def test_a_run_whose_execution_met_a_fault_ends_and_counts_its_executions(
    lineage: LineageFixture, case: Case, size: int
) -> None:
    new = lineage.rerun(lineage.container(), size=size)
    # What Lambda does with an error: the message stays invisible for a while, longer than the watchdog waits.
    with INJECTION.inject(case.operation, case.fault, nth=case.nth), suppress(Unavailable):
        execute(new.id, lineage.container().execution_deps)

    ended = lineage.mark_published(new)

    assert ended.status is Status.COMPLETED
    assert (ended.event_pending, ended.deadline, ended.claim_token) == (False, None, None)
    assert ended.result_omitted == (case.operation == "kms.GenerateDataKey")
    executions = lineage.executions()
    assert executions == (2 if (case.operation, case.name) in TWICE else 1)
    assert ended.execution_attempts >= executions
    lineage.assert_consistent()


@pytest.mark.parametrize(
    ("nth", "size"), [(1, 1), (2, 2_000), (2, 1), (3, 1)], ids=["claim", "outcome", "mark", "published"]
)
def test_a_rerun_of_a_run_in_the_same_moment_does_not_hold_up_its_execution(
    lineage: LineageFixture, nth: int, size: int
) -> None:
    """Re-running a run writes to its item in a transaction: DynamoDB refuses other writes to it meanwhile."""
    new = lineage.rerun(lineage.container(), size=size)
    with INJECTION.inject(UPDATE, answered(400, CONFLICT), nth=nth):
        assert execute(new.id, lineage.container().execution_deps).result is ExecutionResult.FINISHED
    assert not lineage.stored(new.id).event_pending


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", ["dynamodb.Query", "dynamodb.BatchGetItem", UPDATE, "sqs.SendMessage"])
def test_a_watchdog_that_meets_a_fault_forgets_nothing(lineage: LineageFixture, operation: str, kind: Kind) -> None:
    with INJECTION.inject("sqs.SendMessage", fault("sqs.SendMessage", Kind.THROTTLED)):
        new = lineage.rerun(lineage.container())
    lineage.later.by += timedelta(hours=1)
    deps = lineage.container()
    with INJECTION.inject(operation, fault(operation, kind)), suppress(Unavailable):
        for overdue in deps.runs.overdue():
            if overdue.id == new.id:
                recover(overdue, deps.watchdog_deps)

    ended = lineage.mark_published(new)

    assert (ended.status, ended.execution_attempts, lineage.executions()) == (Status.COMPLETED, 1, 1)
    lineage.assert_consistent()
