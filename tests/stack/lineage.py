"""A lineage on the deployed stack, worked on in this process by clients that faults are injected into."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import botocore.session
from botocore.config import Config

from handlers.aws import run_items
from handlers.domain import clock
from handlers.domain.audit.act import Act, Action
from handlers.domain.audit.listing import Filters, list_acts
from handlers.domain.paging import Page
from handlers.domain.runs.execution import execute
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from handlers.domain.upkeep.recovery import RecoveryResult, recover
from handlers.settings import Settings
from handlers.wiring import Wiring
from infra.audit.checks import Terms, check
from infra.audit.findings import Finding
from infra.audit.reading import remember
from infra.audit.records import World
from infra.local.local_stack import LocalStack
from tests.domain.starting.rerunning import rerun
from tests.faults.client import INJECTION
from tests.stack.driver import Workspace

PASSES = 2
ONCE = Config(retries={"total_max_attempts": 1}, proxies={}, connect_timeout=5, read_timeout=30)


class Clients:
    """What an entry point takes for its boto3 session. Clients are made once for all cases: making them is slow."""

    def __init__(self, local_stack: LocalStack, endpoint: str | None = None) -> None:
        self._endpoint = endpoint or local_stack.emulator.url
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
        session.register("before-send", INJECTION.before_send)
        make, endpoint = session.create_client, self._endpoint
        session.create_client = lambda *of, **options: make(*of, **options | {"endpoint_url": endpoint})  # type: ignore[method-assign]
        return session


class Container(Wiring):
    """An entry point's wiring, as fresh as a new container, on the emulator."""

    def __init__(self, settings: Settings, clients: Clients) -> None:
        super().__init__(settings)
        self._clients = clients

    @cached_property
    def _session(self) -> Any:
        return self._clients

    @cached_property
    def _kms_session(self) -> Any:
        return self._clients.for_kms


def act_in(lineage: "LineageFixture", action: str) -> Act:
    return Act.done(Action(action), "alice", lineage.workspace.name, kept_for=timedelta(days=400))


class Later:
    """Now, and as much later as the test has come."""

    def __init__(self) -> None:
        self.by = timedelta()
        self._now = clock.now

    def __call__(self) -> datetime:
        return self._now() + self.by


@dataclass
class LineageFixture:
    """A lineage whose original has ended, and what tests do to it."""

    workspace: Workspace
    settings: Settings
    clients: Clients
    directory: Path
    original: str = ""
    counted: Path = field(default_factory=Path)
    later: Later = field(default_factory=Later)

    @classmethod
    def of(cls, workspace: Workspace, directory: Path) -> "LineageFixture":
        """Before anything has happened, with queues and a bus where nobody else listens."""
        outputs, sqs = workspace.local_stack.outputs, workspace.local_stack.client("sqs")
        queue, dead_letters = (
            sqs.create_queue(QueueName=f"{kind}-{workspace.name}")["QueueUrl"] for kind in ("faults", "faults-dead")
        )
        bus = f"faults-{workspace.name}"
        workspace.local_stack.client("events").create_event_bus(Name=bus)
        settings = Settings(
            table_name=outputs["TableName"],
            bucket_name=outputs["BucketName"],
            input_key_arn=outputs["InputKeyArn"],
            outcome_key_arn=outputs["OutcomeKeyArn"],
            run_queue_url=queue,
            dead_letter_queue_url=dead_letters,
            # No rule of the stack's listens here: only the test reads what is published to it.
            lifecycle_bus_name=bus,
            invokable_functions='{"*": ["arn:aws:lambda:*:*:function:*"]}',
        )
        return cls(workspace, settings, Clients(workspace.local_stack), directory)

    def close(self) -> None:
        self.workspace.local_stack.client("events").delete_event_bus(Name=self.settings.lifecycle_bus_name)
        sqs = self.workspace.local_stack.client("sqs")
        for queue in (self.settings.run_queue_url, self.settings.dead_letter_queue_url):
            sqs.delete_queue(QueueUrl=queue)

    def container(self) -> Container:
        return Container(self.settings, self.clients)

    def rerun(self, deps: Container, **parameters: Any) -> FunctionRun:
        """A re-run on current code, whose executions count themselves in a file of its own."""
        self.counted = self.directory / uuid4().hex
        body = RerunBody.read({"useLatestCode": True, "overrideParams": {"file": str(self.counted), **parameters}})
        return rerun(RerunRequest(self.workspace.name, self.original, "alice", body), deps)

    def executions(self) -> int:
        """Of the re-run that was asked for last."""
        return len(self.counted.read_text()) if self.counted.exists() else 0

    def stored(self, run_id: str) -> FunctionRun:
        run = self.container().runs.read_run(run_id)
        assert run is not None
        return run

    def items(self) -> list[dict[str, Any]]:
        """All items of the original: itself, its parts, its edges."""
        return self._query("pk = :key", {":key": {"S": f"RUN#{self.original}"}}, ConsistentRead=True)

    def run_ids(self) -> set[str]:
        """All runs of the workspace."""
        keys = [f"WS#{self.workspace.name}#{shard}" for shard in range(run_items.SHARDS)]
        found = [self._query("byWorkspace = :key", {":key": {"S": key}}, IndexName="byWorkspace") for key in keys]
        return {run_items.run_id(item) for items in found for item in items}

    def _query(self, condition: str, values: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
        pages = (
            self.workspace.local_stack.client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=self.settings.table_name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                **options,
            )
        )
        return [item for page in pages for item in page["Items"]]

    def acts_on(self, run_id: str) -> list[Act]:
        """What was done to the run, and what started it."""
        found, position = list_acts(self.workspace.name, Filters(run_id=run_id), Page(100), self.container().audit_log)
        assert position is None
        return [sealed.act for sealed in found]

    def begin_with(self, trigger: str) -> None:
        """The original is a run of this trigger, and has been executed."""
        deps = self.container()
        run = execute_trigger(
            self.workspace.name,
            trigger,
            ExecuteBody(),
            deps.registry,
            deps.start_deps,
            invokable=deps.invokable,
            act=act_in(self, "execute"),
        )
        self.original = run.id
        self.execute_what_was_pushed()

    def execute_what_was_pushed(self, container: Container | None = None) -> None:
        """What waits in the queue; messages that are delayed stay there, as if they were lost."""
        sqs, queue = self.workspace.local_stack.client("sqs"), self.settings.run_queue_url
        deps = container or self.container()
        while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                execute(json.loads(message["Body"])["runId"], deps.execution_deps)

    def mark_published(self, run: FunctionRun) -> FunctionRun:
        """The run after the watchdog's passes, each an hour after the last, and what they pushed."""
        self.execute_what_was_pushed()
        for _ in range(PASSES):
            self.pass_of_the_watchdog({run.id})
            self.execute_what_was_pushed()
        return self.stored(run.id)

    def pass_of_the_watchdog(self, runs: set[str]) -> list[tuple[FunctionRun, RecoveryResult]]:
        """An hour later; what it did with those runs."""
        self.later.by += timedelta(hours=1)
        deps = self.container()
        return [
            (overdue, recover(overdue, deps.watchdog_deps)) for overdue in deps.runs.overdue() if overdue.id in runs
        ]

    def findings(self, runs: set[str]) -> list[Finding]:
        """What the operator's audit finds in these runs, and in the objects of the bucket that are theirs."""
        world = World(stored=self._objects(runs))
        for run in runs:
            for item in self._query("pk = :key", {":key": {"S": f"RUN#{run}"}}, ConsistentRead=True):
                remember(item, world)
        return check(world, Terms(now=clock.now(), retention=timedelta(days=self.settings.retention_days)))

    def _objects(self, runs: set[str]) -> dict[str, datetime]:
        s3, bucket = self.workspace.local_stack.client("s3"), self.settings.bucket_name
        listed = [s3.list_objects_v2(Bucket=bucket, Prefix=f"kept/{run}/").get("Contents", []) for run in runs]
        return {each["Key"]: each["LastModified"] for found in listed for each in found}

    def assert_consistent(self) -> None:
        """The original counts its edges, each of which leads to a run of its own."""
        items = self.items()
        edges = [item["runId"]["S"] for item in items if item["sk"]["S"].startswith("RERUN#")]
        assert self.stored(self.original).rerun_count == len(edges)
        assert len(set(edges)) == len(edges)
        assert set(edges) | {self.original} == self.run_ids()
