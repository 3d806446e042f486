"""A process that dies between any two of its AWS calls leaves nothing that two passes of the watchdog do not mend.

Each story runs in this process with the real adapters, against the deployed stack's table, bucket, key and bus, and
dies before its first call, before its second, and so on to its end. Then what was pushed is executed, failures that
are published are processed, and the operator's audit must find nothing.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any
from uuid import uuid4

import httpx
import pytest

from handlers.domain import clock
from handlers.domain.runs.cancel import cancel
from handlers.domain.runs.execution import execute
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Status
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.starting.idempotency import request_key
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from handlers.domain.upkeep.recovery import end_undeliverable, recover
from infra.local.local_stack import LocalStack
from tests.domain.starting.experimenting import experiment_on
from tests.domain.starting.rerunning import rerun
from tests.domain.starting.retrying import retried
from tests.faults.client import INJECTION, dies
from tests.faults.kinds import Died
from tests.stack.driver import Workspace, created
from tests.stack.lineage import PASSES, Container, LineageFixture, act_in

# What it appends to the file is one letter an execution. A result is large if it is asked to be.
SOURCE = """
def handler(event, context):
    with open(event['file'], 'a') as file:
        file.write('x')
    if event.get('fails'):
        raise TimeoutError('the warehouse does not answer')
    return 'r' * event.get('size', 1)
"""
LARGE = "x" * 400_000
ONE_RETRY = {"maxRetries": 1, "initialDelaySeconds": 0, "jitter": "none"}


@dataclass
class Life:
    """One lineage of a new run, and what there is of it."""

    lineage: LineageFixture
    trigger: str
    original: str = ""

    def begin(self, **payload: Any) -> str:
        """A pending run, its message in the queue."""
        self.file = self.lineage.directory / uuid4().hex
        body = ExecuteBody.read({"payload": {"file": str(self.file), **payload}})
        deps = self.lineage.container()
        run = execute_trigger(
            self.lineage.workspace.name,
            self.trigger,
            body,
            deps.registry,
            deps.start_deps,
            invokable=deps.invokable,
            act=act_in(self.lineage, "execute"),
        )
        self.original = self.lineage.original = run.id
        return run.id

    def end(self) -> str:
        self.lineage.execute_what_was_pushed()
        return self.original

    def runs(self) -> set[str]:
        """All runs of the lineage that are in the table, whether or not anybody was told of them."""
        edges = [item["runId"]["S"] for item in self.lineage.items() if item["sk"]["S"].startswith("RERUN#")]
        return {self.original, *edges}

    def mark_published(self) -> None:
        """What goes on by itself: messages are received, published failures processed, and the watchdog passes."""
        self._go_on()
        for _ in range(PASSES):
            self.lineage.pass_of_the_watchdog(self.runs())
            self._go_on()

    def _go_on(self) -> None:
        self.lineage.execute_what_was_pushed()
        while failures := [actual["functionRunId"] for actual in INJECTION.published if actual.get("awaitsRetry")]:
            INJECTION.published.clear()
            for run in failures:
                retried(run, self.lineage.container())
            self.lineage.execute_what_was_pushed()


Act = Callable[[Container], object]
Story = Callable[[Life], Act]
STORIES: dict[str, Story] = {}


def story(tell: Story) -> Story:
    return STORIES.setdefault(tell.__name__.strip("_").replace("_", " "), tell)


@story
def _a_rerun_with_overrides_and_a_key(life: Life) -> Act:
    life.begin()
    return _rerun_of(life.end(), life, overrideParams={"a": 1})


@story
def _a_rerun_with_large_overrides(life: Life) -> Act:
    life.begin()
    return _rerun_of(life.end(), life, overrideParams={"a": LARGE}, notBefore="2026-01-01T00:00:00Z")


def _rerun_of(run: str, life: Life, **body: Any) -> Callable[[Container], FunctionRun]:
    options = RerunBody.read(body)
    workspace = life.lineage.workspace.name
    key = request_key(uuid4().hex, workspace, "alice", body)
    return lambda deps: rerun(RerunRequest(workspace, run, "alice", options, key), deps)


@story
def _an_experiment_with_a_key(life: Life) -> Act:
    life.begin()
    return _experiment_on(life.end(), life)


@story
def _an_experiment_with_large_parameters(life: Life) -> Act:
    life.begin(a=LARGE)
    return _experiment_on(life.end(), life)


def _experiment_on(run: str, life: Life) -> Act:
    workspace, key = life.lineage.workspace.name, uuid4().hex
    return lambda deps: experiment_on(run, deps, workspace=workspace, key=key)


@story
def _an_execution(life: Life) -> Act:
    run = life.begin()
    return lambda deps: execute(run, deps.execution_deps)


@story
def _an_execution_with_a_result_over_a_write_unit(life: Life) -> Act:
    run = life.begin(size=2_000)
    return lambda deps: execute(run, deps.execution_deps)


@story
def _an_execution_with_a_large_result(life: Life) -> Act:
    run = life.begin(size=len(LARGE))
    return lambda deps: execute(run, deps.execution_deps)


@story
def _an_execution_that_fails_and_awaits_a_retry(life: Life) -> Act:
    run = life.begin(fails=True)
    return lambda deps: execute(run, deps.execution_deps)


@story
def _an_execution_that_recovers_its_original(life: Life) -> Act:
    life.begin(fails=True)
    rerun_ = _rerun_of(life.end(), life, overrideParams={"fails": False})(life.lineage.container())
    return lambda deps: execute(rerun_.id, deps.execution_deps)


@story
def _an_original_that_fails_once_its_rerun_has_completed(life: Life) -> Act:
    original = life.begin(fails=True)
    rerun_ = _rerun_of(original, life, overrideParams={"fails": False})(life.lineage.container())

    def act(deps: Container) -> None:
        execute(rerun_.id, deps.execution_deps)
        execute(original, deps.execution_deps)

    return act


@story
def _a_rerun_if_not_recovered(life: Life) -> Act:
    failed = life.begin(fails=True)
    life._go_on()  # its retry fails, too
    return _rerun_of(failed, life, ifNotRecovered=True, overrideParams={"fails": False})


@story
def _a_retry(life: Life) -> Act:
    life.begin(fails=True, a=LARGE)
    failed = life.end()
    return lambda deps: retried(failed, deps)


@story
def _a_watchdog_that_finds_a_pending_run(life: Life) -> Act:
    life.begin()
    return _recovered(life)


@story
def _a_watchdog_that_finds_an_expired_lease(life: Life) -> Act:
    _half_executed(life)
    return _recovered(life)


@story
def _a_watchdog_that_finds_a_lost_run(life: Life) -> Act:
    _half_executed(life)
    lost = life.lineage.stored(life.original)
    life.lineage.container().runs.transition(lost, lost.moved(execution_attempts=3))
    return _recovered(life)


@story
def _a_watchdog_that_finds_an_untold_end(life: Life) -> Act:
    run = life.begin()
    _dies_before("eventbridge.PutEvents", lambda deps: execute(run, deps.execution_deps), life)
    return _recovered(life)


@story
def _a_watchdog_that_finds_unmoved_parts(life: Life) -> Act:
    life.begin()
    life.end()
    act = _rerun_of(life.original, life, overrideParams={"a": LARGE})
    _dies_before("s3.CopyObject", act, life)
    return _recovered(life)


@story
def _a_watchdog_that_finds_a_dead_letter(life: Life) -> Act:
    _has_letter(life, life.begin())
    return _process_dead_letters


@story
def _a_watchdog_that_finds_a_second_dead_letter(life: Life) -> Act:
    run = life.begin()
    _has_letter(life, run)
    _process_dead_letters(life.lineage.container())
    assert life.lineage.stored(run).redelivered_at is not None
    _has_letter(life, run)
    return _process_dead_letters


def _has_letter(life: Life, run: str) -> None:
    life.lineage.workspace.local_stack.client("sqs").send_message(
        QueueUrl=life.lineage.settings.dead_letter_queue_url, MessageBody=json.dumps({"runId": run})
    )


def _process_dead_letters(deps: Container) -> None:
    end_undeliverable(deps.watchdog_deps, has_time=lambda: True, report=lambda *_: None)


@story
def _a_cancellation(life: Life) -> Act:
    run = life.begin()
    return lambda deps: cancel(life.lineage.workspace.name, run, act_in(life.lineage, "cancel"), deps.cancel_deps)


def _half_executed(life: Life) -> None:
    """The function has done its work, and nobody is there to note it."""
    run = life.begin()
    _dies_before("dynamodb.TransactWriteItems", lambda deps: execute(run, deps.execution_deps), life)
    assert life.lineage.stored(run).status is Status.RUNNING


def _dies_before(operation: str, act: Act, life: Life) -> None:
    with INJECTION.inject(operation, dies), suppress(Died):
        act(life.lineage.container())


def _recovered(life: Life) -> Act:
    life.lineage.later.by += timedelta(hours=1)

    def act(deps: Container) -> None:
        runs = life.runs()
        for overdue in deps.runs.overdue():
            if overdue.id in runs:
                recover(overdue, deps.watchdog_deps)

    return act


@pytest.fixture(scope="module")
def prepared(
    local_stack: LocalStack, connection: httpx.Client, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Life]:
    lineage = LineageFixture.of(Workspace(local_stack, connection), tmp_path_factory.mktemp("executions"))
    plain, _ = lineage.workspace.trigger_of(SOURCE)
    body = {
        "name": "retries once",
        "functionId": lineage.workspace.trigger_document(plain)["functionId"],
        "executionType": "on-demand",
        "retryPolicy": ONE_RETRY,
    }
    yield Life(lineage, str(created(lineage.workspace.http.post("/function-triggers", json=body))["id"]))
    lineage.close()


@pytest.fixture
def life(prepared: Life, monkeypatch: pytest.MonkeyPatch) -> Life:
    monkeypatch.setattr(clock, "now", prepared.lineage.later)
    return prepared


@pytest.mark.parametrize("actual", STORIES)
def test_a_death_before_any_call_is_mended_within_two_passes(life: Life, actual: str) -> None:
    for nth in count(1):
        life.lineage.later.by = timedelta()
        act = STORIES[actual](life)
        died_before = INJECTION.dies_at(nth, lambda act=act: act(life.lineage.container()))  # type: ignore[misc]
        life.mark_published()
        runs = [life.lineage.stored(run) for run in life.runs()]
        assert life.lineage.findings(life.runs()) == [], (nth, died_before)
        assert not [run for run in runs if run.status.is_open or run.event_pending or run.staged], (nth, died_before)
        executions = len(life.file.read_text()) if life.file.exists() else 0
        assert executions <= sum(run.execution_attempts for run in runs), (nth, died_before)
        assert len([run for run in runs if run.execution_source is ExecutionSource.RETRY]) <= 1, (nth, died_before)
        for run in runs:
            assert kinds_of_acts(life, run) == acts_due(run, runs), (nth, died_before)
        if died_before is None:
            assert nth > 3, "the story makes more calls than that"
            return


def kinds_of_acts(life: Life, run: FunctionRun) -> list[str]:
    """What started the run, and what was done to it but for re-runs."""
    acts = life.lineage.acts_on(run.id)
    return sorted(act.action for act in acts if act.job_id == run.id or act.job_id is None)


def acts_due(run: FunctionRun, runs: list[FunctionRun]) -> list[str]:
    """One for each thing that somebody did, and none for what the service did by itself."""
    started = {ExecutionSource.TRIGGER: "execute", ExecutionSource.RERUN: "rerun"}.get(run.execution_source)
    done = {started: True, "cancel": run.cancel_requested_by, "erase": run.erased_at}
    experiments = {each.experiment_id for each in runs if each.source_run_id == run.id} - {None}
    return sorted(
        [action for action, was_done in done.items() if action and was_done] + ["experiment"] * len(experiments)
    )
