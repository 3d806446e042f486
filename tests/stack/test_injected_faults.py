"""Every AWS call on the way of a re-run, struck once: what the caller was told stays true, and the run ends.

The stories run in this process, with the real adapters, against the deployed stack's table, key and bus and a queue of
their own. No client retries, so each fault is seen by our code. "Lost" means that the call took effect and its answer
never arrived.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import boto3
import botocore.session
import httpx
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from handlers.aws import run_items
from handlers.aws.cipher import Cipher
from handlers.domain import clock
from handlers.domain.errors import RunNotFound, ServiceError, Unavailable
from handlers.domain.execution import Verdict, execute
from handlers.domain.recovery import recover
from handlers.domain.rerun import Asked, RerunBody, rerun
from handlers.domain.run import FunctionRun, Status
from handlers.domain.start import ExecuteBody, start
from handlers.wiring import Settings, Wiring
from infra.local.laptop import Laptop
from tests.aws.injection import answer, cancelled, error
from tests.stack.driver import Workspace

COUNTS = "def handler(event, context):\n    open(event['file'], 'a').write('x')\n    return {'counted': True}\n"
PASSES = 2
ONCE = Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=30)

Strike = Callable[[Any], AWSResponse | None]


class Weather:
    """Stands between every client of this file and AWS: notes each call, and strikes the one it was told to."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._operation = ""
        self._countdown = 0
        self._strike: Strike | None = None

    def before_send(self, **sent: Any) -> Any:
        operation = ".".join(sent["event_name"].split(".")[1:3])
        self.calls.append(operation)
        if self._strike is None or operation != self._operation:
            return None
        self._countdown -= 1
        if self._countdown:
            return None
        strike, self._strike = self._strike, None
        return strike(sent["request"])

    @contextmanager
    def striking(self, operation: str, strike: Strike, *, nth: int = 1) -> Iterator[None]:
        self._operation, self._countdown, self._strike = operation, nth, strike
        yield
        assert self._strike is None, f"{operation} was called less than {nth} times: nothing was struck"

    @contextmanager
    def noted(self) -> Iterator[list[str]]:
        self.calls.clear()
        yield self.calls


WEATHER = Weather()


def answered(status: int, code: str) -> Strike:
    return lambda _: error(status, code)


def never_connected(request: Any) -> None:
    raise ConnectTimeoutError(endpoint_url=request.url)


def lost_on_the_way(request: Any) -> None:
    """The request reached nobody, which its sender cannot know."""
    raise ReadTimeoutError(endpoint_url=request.url)


def answer_lost(request: Any) -> None:
    connection = URLLib3Session(proxies={})
    response = connection.send(request)
    answered = response.content
    connection.close()
    assert response.status_code < 300, answered
    raise ReadTimeoutError(endpoint_url=request.url)


def cancelled_by(*codes: str) -> Strike:
    return lambda _: cancelled(*codes)


THROTTLED = {
    "dynamodb": answered(400, "ProvisionedThroughputExceededException"),
    "kms": answered(400, "ThrottlingException"),
    "sqs": answered(400, "RequestThrottled"),
    "lambda": answered(429, "TooManyRequestsException"),
    "eventbridge": answered(400, "ThrottlingException"),
}
BROKEN = {
    "dynamodb": answered(500, "InternalServerError"),
    "kms": answered(500, "KMSInternalException"),
    "sqs": answered(500, "InternalFailure"),
    "lambda": answered(500, "ServiceException"),
    "eventbridge": answered(500, "InternalException"),
}
LOST = "the answer is lost"


def strikes(operation: str) -> dict[str, Strike]:
    service = operation.partition(".")[0]
    return {
        "throttled": THROTTLED[service],
        "500": BROKEN[service],
        "no connection": never_connected,
        "lost on the way": lost_on_the_way,
        LOST: answer_lost,
    }


class Case(NamedTuple):
    operation: str
    nth: int
    fault: str
    strike: Strike

    def __str__(self) -> str:
        return f"{self.operation} {self.nth}: {self.fault}"


def cases(path: list[str], *more: Case) -> list[Case]:
    """Every call of a path under every strike, and what else can happen to it."""
    seen: Counter[str] = Counter()
    all_cases: list[Case] = []
    for operation in path:
        seen[operation] += 1
        all_cases += [Case(operation, seen[operation], fault, strike) for fault, strike in strikes(operation).items()]
    return [*all_cases, *more]


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
    "dynamodb.UpdateItem",
    "kms.Decrypt",
    "lambda.Invoke",
    "kms.GenerateDataKey",
    "dynamodb.TransactWriteItems",
    "eventbridge.PutEvents",
    "dynamodb.UpdateItem",
]
TRANSACTION = "dynamodb.TransactWriteItems"
UPDATE = "dynamodb.UpdateItem"
CONFLICT = "com.amazonaws.dynamodb.v20120810#TransactionConflictException"
CONDITION = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"


class Clients:
    """What a door takes for its boto3 session. Clients are made once for all cases: making them is slow."""

    def __init__(self, laptop: Laptop) -> None:
        self._endpoint = laptop.emulator.url
        self._made: dict[str, Any] = {}
        self._session: Any = boto3.Session(botocore_session=self._new_session())

    def client(self, service: str, **_: Any) -> Any:
        if service not in self._made:
            self._made[service] = self._session.client(service, config=ONCE)
        return self._made[service]

    @cached_property
    def for_kms(self) -> botocore.session.Session:
        return self._new_session()

    def _new_session(self) -> botocore.session.Session:
        session = botocore.session.Session()
        session.set_credentials("test", "test")
        session.set_config_variable("region", "us-east-1")
        session.set_default_client_config(ONCE)
        session.register("before-send", WEATHER.before_send)
        make, endpoint = session.create_client, self._endpoint
        session.create_client = lambda *of, **how: make(*of, **how | {"endpoint_url": endpoint})  # type: ignore[method-assign]
        return session


class Container(Wiring):
    """A door's wiring, as fresh as a new container, on the emulator."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        super().__init__(settings)
        self._clients = clients

    @cached_property
    def _session(self) -> Any:
        return self._clients

    @cached_property
    def cipher(self) -> Cipher:
        return Cipher(self.settings.key_arn, self._clients.for_kms)


class Later:
    """Now, and as much later as the test has come."""

    def __init__(self) -> None:
        self.by = timedelta()
        self._now = clock.now

    def __call__(self) -> datetime:
        return self._now() + self.by


@dataclass
class Scene:
    """A lineage whose original has ended, and the hands to work on it."""

    workspace: Workspace
    settings: Settings
    clients: Clients
    directory: Path
    original: str = ""
    counted: Path = field(default_factory=Path)
    later: Later = field(default_factory=Later)

    def container(self) -> Container:
        return Container(self.settings, self.clients)

    def ask(self, using: Container) -> FunctionRun:
        """A re-run on current code, whose executions count themselves in a file of its own."""
        self.counted = self.directory / uuid4().hex
        body = RerunBody.read({"useLatestCode": True, "overrideParams": {"file": str(self.counted)}})
        return rerun(Asked(self.workspace.name, self.original, "alice", body), using.rerunner)

    def executions(self) -> int:
        """Of the re-run that was asked for last."""
        return len(self.counted.read_text()) if self.counted.exists() else 0

    def stored(self, run_id: str) -> FunctionRun:
        run = self.container().runs.read_run(run_id)
        assert run is not None
        return run

    def lineage(self) -> list[dict[str, Any]]:
        """All items of the original: itself, its parts, its edges."""
        return self._query("pk = :key", {":key": {"S": f"RUN#{self.original}"}}, ConsistentRead=True)

    def run_ids(self) -> set[str]:
        """All runs of the workspace."""
        keys = [f"WS#{self.workspace.name}#{shard}" for shard in range(run_items.SHARDS)]
        found = [self._query("byWorkspace = :key", {":key": {"S": key}}, IndexName="byWorkspace") for key in keys]
        return {run_items.run_id(item) for items in found for item in items}

    def _query(self, condition: str, values: dict[str, Any], **how: Any) -> list[dict[str, Any]]:
        pages = (
            self.workspace.laptop.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.settings.table_name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                **how,
            )
        )
        return [item for page in pages for item in page["Items"]]

    def execute_what_was_pushed(self) -> None:
        """What waits in the queue; messages that are delayed stay there, as if they were lost."""
        sqs, queue = self.workspace.laptop.client("sqs"), self.settings.run_queue_url
        using = self.container()
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                execute(json.loads(message["Body"])["runId"], using.executor)

    def settle(self, run: FunctionRun) -> FunctionRun:
        """The run after the watchdog's passes, each an hour after the last, and what they pushed."""
        self.execute_what_was_pushed()
        for _ in range(PASSES):
            self.later.by += timedelta(hours=1)
            using = self.container()
            for overdue in using.runs.overdue():
                if overdue.id == run.id:
                    recover(overdue, using.watchdog)
            self.execute_what_was_pushed()
        return self.stored(run.id)

    def assert_consistent(self) -> None:
        """The original counts its edges, each of which leads to a run of its own."""
        items = self.lineage()
        edges = [item["runId"]["S"] for item in items if item["sk"]["S"].startswith("RERUN#")]
        assert self.stored(self.original).rerun_count == len(edges)
        assert len(set(edges)) == len(edges)
        assert set(edges) | {self.original} == self.run_ids()


@pytest.fixture(scope="module")
def prepared(laptop: Laptop, connection: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    sqs = laptop.client("sqs")
    settings = Settings(
        table_name=laptop.outputs["TableName"],
        key_arn=laptop.outputs["KeyArn"],
        # Nobody listens here: the executor of this process is the only one.
        run_queue_url=sqs.create_queue(QueueName=f"struck-{uuid4().hex[:8]}")["QueueUrl"],
        lifecycle_bus_name=laptop.outputs["LifecycleBusName"],
        invokable_functions='{"*": ["arn:aws:lambda:*:*:function:*"]}',
    )
    scene = Scene(Workspace(laptop, connection), settings, Clients(laptop), tmp_path_factory.mktemp("executions"))
    trigger, _ = scene.workspace.trigger_of(COUNTS, params={"file": str(scene.directory / "original")})
    scene.original = start(scene.workspace.name, trigger, ExecuteBody(), scene.container().starter).id
    scene.execute_what_was_pushed()
    assert scene.stored(scene.original).status is Status.COMPLETED
    yield scene
    sqs.delete_queue(QueueUrl=settings.run_queue_url)


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
        assert execute(new.id, scene.container().executor) is Verdict.FINISHED
        assert calls == EXECUTE_PATH
    scene.settle(new)
    assert scene.executions() == 1
    scene.assert_consistent()


RERUN_CASES = cases(
    RERUN_PATH,
    Case(TRANSACTION, 1, "conflict", cancelled_by("TransactionConflict", "None", "None", "None", "None")),
    Case(TRANSACTION, 1, "the original is gone", cancelled_by("ConditionalCheckFailed", "None", "None", "None")),
    Case(TRANSACTION, 1, "in progress", answered(400, "TransactionInProgressException")),
    Case(
        "dynamodb.BatchGetItem",
        1,
        "nothing processed",
        lambda request: answer(200, unprocessed(json.loads(request.body))),
    ),
)


def unprocessed(asked: dict[str, Any]) -> dict[str, Any]:
    return {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}


# These are overcome within the request itself.
OVERCOME = {"conflict", "in progress", "nothing processed"}


@pytest.mark.parametrize("case", RERUN_CASES, ids=str)
def test_what_a_caller_of_rerun_is_told_is_true(scene: Scene, case: Case) -> None:
    before, known = scene.lineage(), scene.run_ids()
    told: FunctionRun | ServiceError
    with WEATHER.striking(case.operation, case.strike, nth=case.nth):
        try:
            told = scene.ask(scene.container())
        except ServiceError as refusal:
            told = refusal

    made = scene.run_ids() - known
    if isinstance(told, FunctionRun):
        assert case.operation == "sqs.SendMessage" or case.fault in OVERCOME, "it cannot have worked"
        assert made == {told.id}
    else:
        # None of these is the caller's fault, but for the one that says so.
        assert isinstance(told, RunNotFound if case.fault == "the original is gone" else Unavailable)
        if (case.operation, case.fault) != (TRANSACTION, LOST):
            assert made == set()
            assert scene.lineage() == before
            return
        assert len(made) == 1
    ended = scene.settle(scene.stored(made.pop()))
    assert (ended.status, ended.execution_attempts) == (Status.COMPLETED, 1)
    assert (ended.event_pending, ended.deadline) == (False, None)
    assert scene.executions() == 1
    scene.assert_consistent()


TWICE = {
    ("lambda.Invoke", LOST),
    *((TRANSACTION, fault) for fault in strikes(TRANSACTION) if fault != LOST),
    (TRANSACTION, "the claim is lost"),
}
"""Between the invocation and its recorded outcome lies the one window in which a run executes again."""

EXECUTE_CASES = cases(
    EXECUTE_PATH,
    Case("lambda.GetFunction", 1, "being updated", answered(409, "ResourceConflictException")),
    Case("lambda.PublishVersion", 1, "being updated", answered(409, "ResourceConflictException")),
    Case("lambda.Invoke", 1, "not ready", answered(502, "ResourceNotReadyException")),
    Case(UPDATE, 1, "another claims", answered(400, CONDITION)),
    Case(UPDATE, 2, "another has told", answered(400, CONDITION)),
    Case(UPDATE, 1, "conflict", answered(400, CONFLICT)),
    Case(UPDATE, 2, "conflict", answered(400, CONFLICT)),
    Case(TRANSACTION, 1, "conflict", cancelled_by("TransactionConflict", "None", "None")),
    Case(TRANSACTION, 1, "the claim is lost", cancelled_by("ConditionalCheckFailed", "None", "None")),
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
    with WEATHER.striking(case.operation, case.strike, nth=case.nth), suppress(Unavailable):
        execute(new.id, scene.container().executor)

    ended = scene.settle(new)

    assert ended.status is Status.COMPLETED
    assert (ended.event_pending, ended.deadline, ended.claim_token) == (False, None, None)
    assert ended.result_omitted == (case.operation == "kms.GenerateDataKey")
    executions = scene.executions()
    assert executions == (2 if (case.operation, case.fault) in TWICE else 1)
    assert ended.execution_attempts >= executions
    scene.assert_consistent()


@pytest.mark.parametrize("nth", [1, 2], ids=["the claim", "the note that the bus was told"])
def test_a_rerun_of_a_run_in_the_same_moment_does_not_hold_up_its_execution(scene: Scene, nth: int) -> None:
    """Re-running a run writes to its item in a transaction: DynamoDB refuses other writes to it meanwhile."""
    new = scene.ask(scene.container())
    with WEATHER.striking(UPDATE, answered(400, CONFLICT), nth=nth):
        assert execute(new.id, scene.container().executor) is Verdict.FINISHED
    assert not scene.stored(new.id).event_pending


@pytest.mark.parametrize("fault", ["throttled", "500", "no connection", "lost on the way", LOST])
@pytest.mark.parametrize("operation", ["dynamodb.Query", "dynamodb.BatchGetItem", UPDATE, "sqs.SendMessage"])
def test_a_watchdog_that_is_struck_forgets_nothing(scene: Scene, operation: str, fault: str) -> None:
    with WEATHER.striking("sqs.SendMessage", THROTTLED["sqs"]):
        new = scene.ask(scene.container())
    scene.later.by += timedelta(hours=1)
    using = scene.container()
    with WEATHER.striking(operation, strikes(operation)[fault]), suppress(Unavailable):
        for overdue in using.runs.overdue():
            if overdue.id == new.id:
                recover(overdue, using.watchdog)

    ended = scene.settle(new)

    assert (ended.status, ended.execution_attempts, scene.executions()) == (Status.COMPLETED, 1, 1)
    scene.assert_consistent()
