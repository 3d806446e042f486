"""A batch on the deployed stack, whose steps are taken in this process by clients that faults are injected into."""

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from handlers.aws.batch_store import BatchStore
from handlers.aws.table import Table
from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.audit.listing import Filters, list_acts
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.ports import StepDeps
from handlers.domain.batches.requests import BatchBody
from handlers.domain.batches.restarting import restart
from handlers.domain.batches.starting import BatchRequest, start_batch
from handlers.domain.batches.stepping import StepResult, step
from handlers.domain.paging import Page
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.starting.idempotency import IdempotencyKey
from handlers.domain.upkeep.recovery import recover
from infra.audit.checks import Terms, check
from infra.audit.findings import Finding
from infra.audit.reading import Reader
from tests.fakes.batches import InTurn
from tests.stack.driver import Workspace
from tests.stack.lineage import Container, LineageFixture, act_in

# What it appends to the file of its source is one letter an execution.
SOURCE = """
def handler(event, context):
    with open(event['file'], 'a') as file:
        file.write('x')
    if event.get('fails'):
        raise TimeoutError('the warehouse does not answer')
"""
NOTHING = json.dumps({"StartAt": "Nothing", "States": {"Nothing": {"Type": "Succeed"}}})
FIXED = {"fails": False}
MOST_STEPS = 60


@dataclass
class BatchFixture:
    """Failed originals, each with a file of its own that counts executions, and a batch on them."""

    lineage: LineageFixture
    trigger: str
    executions: str
    """The state machine whose executions do nothing: the steps are the test's."""
    sources: dict[str, Path] = field(default_factory=dict)
    batch_id: str = ""

    @classmethod
    def of(cls, workspace: Workspace, directory: Path) -> "BatchFixture":
        lineage = LineageFixture.of(workspace, directory)
        client = workspace.local_stack.client("stepfunctions")
        role = workspace.local_stack.client("lambda").list_functions()["Functions"][0]["Role"]
        machine = client.create_state_machine(name=f"steps-{workspace.name}", definition=NOTHING, roleArn=role)
        lineage.settings = lineage.settings.model_copy(update={"batches_arn": machine["stateMachineArn"]})
        trigger, _ = workspace.trigger_of(SOURCE)
        return cls(lineage, trigger, machine["stateMachineArn"])

    def close(self) -> None:
        self.lineage.workspace.local_stack.client("stepfunctions").delete_state_machine(stateMachineArn=self.executions)
        self.lineage.close()

    def container(self) -> Container:
        return self.lineage.container()

    def step_deps(self) -> StepDeps:
        """One thread: a process that dies has no other that goes on."""
        return self.container().step_deps._replace(workers=InTurn())

    def fail(self, count: int) -> list[str]:
        """So many new originals that have failed."""
        deps, new = self.container(), {}
        for _ in range(count):
            file = self.lineage.directory / uuid4().hex
            body = ExecuteBody.read({"payload": {"file": str(file), "fails": True}})
            run = execute_trigger(
                self.lineage.workspace.name,
                self.trigger,
                body,
                deps.registry,
                deps.start_deps,
                invokable=deps.invokable,
                act=act_in(self.lineage, "execute"),
            )
            new[run.id] = file
        self.lineage.execute_what_was_pushed()
        self.sources = new
        return list(new)

    def request(self, key: IdempotencyKey | None = None, **body: Any) -> BatchRequest:
        plain = {"overrideParams": FIXED, "pace": {"startPerSecond": 100, "maxPerSecond": 100}, "canary": {"count": 1}}
        options = BatchBody.read(plain | {"runIds": list(self.sources)} | body)
        return BatchRequest(self.lineage.workspace.name, "alice", options, key)

    def start(self, key: IdempotencyKey | None = None, **body: Any) -> Batch:
        batch = start_batch(self.request(key, **body), self.container().batch_deps)
        self.batch_id = batch.id
        return batch

    def stored(self) -> Batch:
        """By a client that no fault is injected into."""
        table = Table(self.lineage.workspace.local_stack.client("dynamodb"), self.lineage.settings.table_name)
        batch = BatchStore(table, report=lambda _: None).read(self.batch_id)
        assert batch is not None
        return batch

    def step(self, deps: StepDeps, *, steps: int = 0) -> StepResult:
        return step(self.batch_id, self.stored().generation, steps, deps, has_time=lambda: True)

    def go_on(self) -> Batch:
        """What goes on by itself until nothing is left: executions, steps, and passes of the watchdog."""
        for _ in range(MOST_STEPS):
            self.lineage.execute_what_was_pushed()
            batch = self.stored()
            if not batch.needs_steps:
                return batch
            result = self.step(self.step_deps())
            self.lineage.later.by += timedelta(minutes=5 * result.is_over, seconds=result.wait_seconds)
            self.watch()
        raise AssertionError(f"still {self.stored().state} after {MOST_STEPS} steps")

    def watch(self) -> None:
        """A pass of the watchdog over this batch and its runs."""
        deps = self.container()
        for batch in deps.batches.overdue():
            if batch.id == self.batch_id:
                restart(batch, deps.restart_deps)
        ours = self.run_ids()
        for run in deps.runs.overdue():
            if run.id in ours:
                recover(run, deps.watchdog_deps)

    def members(self) -> list[FunctionRun]:
        deps = self.container()
        entries = deps.batches.members(self.batch_id, Page(100))
        return deps.runs.read_many([entry.run_id for entry in entries])

    def acts(self) -> list[Act]:
        filters = Filters(batch_id=self.batch_id)
        found, _ = list_acts(self.lineage.workspace.name, filters, Page(100), self.container().audit_log)
        return [sealed.act for sealed in found]

    def run_ids(self) -> set[str]:
        return {*self.sources, *(run.id for run in self.members())}

    def executed(self) -> Counter[int]:
        """How many sources were executed so often, their originals' one execution included."""
        return Counter(len(file.read_text()) for file in self.sources.values())

    def findings(self) -> list[Finding]:
        """What the operator's audit finds in the batch, its sources and its re-runs."""
        client = self.lineage.workspace.local_stack.client
        settings = self.lineage.settings
        reader = Reader(client("dynamodb"), settings.table_name, client("s3"), settings.bucket_name, lambda _: None)
        about = Finding("batch", (self.batch_id,), "", runs=tuple(self.run_ids()), batches=(self.batch_id,))  # type: ignore[arg-type]
        world = reader.what_decides_on([about])
        return check(world, Terms(now=clock.now(), retention=timedelta(days=settings.retention_days)))

    def assert_each_source_is_rerun_once(self) -> None:
        members = self.members()
        assert sorted(str(run.source_run_id) for run in members) == sorted(self.sources)
        assert {run.batch_id for run in members} == {self.batch_id}
        assert not [run for run in members if run.status.is_open or run.event_pending]
        assert self.executed() == {2: len(self.sources)}
