"""Every AWS call on the way of a re-run, struck once: what the caller was told stays true, and the run ends.

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
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.upkeep.recovery import recover
from infra.local.local_stack import LocalStack
from tests.aws.injection import answer
from tests.stack.driver import Workspace
from tests.stack.fault_injection import LOST, THROTTLED, WEATHER, Case, answered, cancelled_by, cases, strikes
from tests.stack.scene import Later, Scene

COUNTS = "def handler(event, context):\n    open(event['file'], 'a').write('x')\n    return {'counted': True}\n"

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
    "dynamodb.PutItem",
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
) -> Iterator[Scene]:
    scene = Scene.of(Workspace(local_stack, connection), tmp_path_factory.mktemp("executions"))
    trigger, _ = scene.workspace.trigger_of(COUNTS, params={"file": str(scene.directory / "original")})
    deps = scene.container()
    scene.original = execute_trigger(
        scene.workspace.name, trigger, ExecuteBody(), deps.registry, deps.start_deps, invokable=deps.invokable
    ).id
    scene.execute_what_was_pushed()
    assert scene.stored(scene.original).status is Status.COMPLETED
    yield scene
    scene.close()


@pytest.fixture
def scene(prepared: Scene, monkeypatch: pytest.MonkeyPatch) -> Scene:
    prepared.later = Later()
    monkeypatch.setattr(clock, "now", prepared.later)
    return prepared


def test_the_calls_that_are_struck_are_those_that_are_made(scene: Scene) -> None:
    with WEATHER.noted() as calls:
        new = scene.ask(scene.container())
        assert calls == RERUN_PATH
    with WEATHER.noted() as calls:
        assert execute(new.id, scene.container().execution_deps) is ExecutionResult.FINISHED
        assert calls == EXECUTE_PATH
    scene.mark_published(new)
    assert scene.executions() == 1
    scene.assert_consistent()


RERUN_CASES = cases(
    RERUN_PATH,
    Case(TRANSACTION, 1, "conflict", cancelled_by("TransactionConflict", "None", "None", "None", "None")),
    Case(TRANSACTION, 1, "the original is gone", cancelled_by(*["None"] * 4, "ConditionalCheckFailed")),
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
def test_what_a_caller_of_rerun_is_told_is_true(scene: Scene, case: Case) -> None:
    before, known = scene.lineage(), scene.run_ids()
    actual: FunctionRun | ServiceError
    with WEATHER.striking(case.operation, case.inject, nth=case.nth):
        try:
            actual = scene.ask(scene.container())
        except ServiceError as refusal:
            actual = refusal

    made = scene.run_ids() - known
    if isinstance(actual, FunctionRun):
        assert case.operation == "sqs.SendMessage" or case.fault in OVERCOME, "it cannot have worked"
        assert made == {actual.id}
    else:
        # None of these is the caller's fault, but for the one that says so.
        assert isinstance(actual, RunNotFound if case.fault == "the original is gone" else Unavailable)
        if (case.operation, case.fault) != (TRANSACTION, LOST):
            assert made == set()
            assert scene.lineage() == before
            return
        assert len(made) == 1
    ended = scene.mark_published(scene.stored(made.pop()))
    assert (ended.status, ended.execution_attempts) == (Status.COMPLETED, 1)
    assert (ended.event_pending, ended.deadline) == (False, None)
    assert scene.executions() == 1
    scene.assert_consistent()


TWICE = {
    ("lambda.Invoke", LOST),
    ("dynamodb.UpdateItem", "the claim is lost"),
}
"""Between the invocation and its recorded outcome lies the one window in which a run executes again."""

EXECUTE_CASES = cases(
    EXECUTE_PATH,
    Case("lambda.GetFunction", 1, "being updated", answered(409, "ResourceConflictException")),
    Case("lambda.PublishVersion", 1, "being updated", answered(409, "ResourceConflictException")),
    Case("lambda.Invoke", 1, "not ready", answered(502, "ResourceNotReadyException")),
    Case(UPDATE, 1, "another claims", answered(400, CONDITION)),
    Case(UPDATE, 2, "the claim is lost", answered(400, CONDITION)),
    Case(UPDATE, 3, "another has published it", answered(400, CONDITION)),
    *(Case(UPDATE, nth, "conflict", answered(400, CONFLICT)) for nth in (1, 2, 3)),
    Case(
        "eventbridge.PutEvents",
        1,
        "200 that took nothing",
        lambda _: answer(200, {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]}),
    ),
)


@pytest.mark.parametrize("case", EXECUTE_CASES, ids=str)
def test_a_run_whose_execution_was_struck_ends_and_counts_its_executions(scene: Scene, case: Case) -> None:
    new = scene.ask(scene.container())
    # What Lambda does with an error: the message stays invisible for a while, longer than the watchdog waits.
    with WEATHER.striking(case.operation, case.inject, nth=case.nth), suppress(Unavailable):
        execute(new.id, scene.container().execution_deps)

    ended = scene.mark_published(new)

    assert ended.status is Status.COMPLETED
    assert (ended.event_pending, ended.deadline, ended.claim_token) == (False, None, None)
    assert ended.result_omitted == (case.operation == "kms.GenerateDataKey")
    executions = scene.executions()
    assert executions == (2 if (case.operation, case.fault) in TWICE else 1)
    assert ended.execution_attempts >= executions
    scene.assert_consistent()


@pytest.mark.parametrize("nth", [1, 2, 3], ids=["the claim", "the outcome", "the mark that it is published"])
def test_a_rerun_of_a_run_in_the_same_moment_does_not_hold_up_its_execution(scene: Scene, nth: int) -> None:
    """Re-running a run writes to its item in a transaction: DynamoDB refuses other writes to it meanwhile."""
    new = scene.ask(scene.container())
    with WEATHER.striking(UPDATE, answered(400, CONFLICT), nth=nth):
        assert execute(new.id, scene.container().execution_deps) is ExecutionResult.FINISHED
    assert not scene.stored(new.id).event_pending


@pytest.mark.parametrize("fault", ["throttled", "500", "no connection", "lost on the way", LOST])
@pytest.mark.parametrize("operation", ["dynamodb.Query", "dynamodb.BatchGetItem", UPDATE, "sqs.SendMessage"])
def test_a_watchdog_that_is_struck_forgets_nothing(scene: Scene, operation: str, fault: str) -> None:
    with WEATHER.striking("sqs.SendMessage", THROTTLED["sqs"]):
        new = scene.ask(scene.container())
    scene.later.by += timedelta(hours=1)
    deps = scene.container()
    with WEATHER.striking(operation, strikes(operation)[fault]), suppress(Unavailable):
        for overdue in deps.runs.overdue():
            if overdue.id == new.id:
                recover(overdue, deps.watchdog_deps)

    ended = scene.mark_published(new)

    assert (ended.status, ended.execution_attempts, scene.executions()) == (Status.COMPLETED, 1, 1)
    scene.assert_consistent()
