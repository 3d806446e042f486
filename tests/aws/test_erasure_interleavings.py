"""Whatever is under way with a run while it is erased, and whoever dies on the way: nothing of it is left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.aws import keys, part_store
from handlers.aws.erasures import Erasures
from handlers.aws.part_objects import PartObjects
from handlers.aws.part_store import PartStore
from handlers.aws.run_recorder import RunRecorder
from handlers.domain import clock
from handlers.domain.audit.act import Act, Action
from handlers.domain.errors import NoParameters
from handlers.domain.runs.erase import erase
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import Outcome, OutcomeUnknown, RetryLater
from handlers.domain.runs.recording import seal_parts
from handlers.domain.runs.run import FunctionRun, Part, Pin, Status
from handlers.domain.starting.rerun import RerunBody, RerunRequest, prepare
from handlers.domain.starting.start import commit
from handlers.domain.upkeep.erasures import complete_erasures
from handlers.domain.upkeep.recovery import recover
from tests.aws.in_memory_s3 import InMemoryS3
from tests.aws.in_memory_table import InMemoryDynamoDB, InMemoryTable
from tests.aws.interleaving import Actor, Death, Stepped, step
from tests.builders import RUN_ID, WORKSPACE, a_run
from tests.fakes import FakeClock, World

# In a transaction with its run, in the table ahead of it, in the bucket.
SMALL, MEDIUM, LARGE = 10, 1500, 3000
SIZES = st.sampled_from([SMALL, MEDIUM, LARGE])
STEPS = st.sampled_from(["go"] * 12 + ["die before", "die after", "time passes"])


@pytest.fixture(autouse=True, scope="module")
def small_is_large() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_store, "MAX_SEALED_INLINE_BYTES", MEDIUM * 3 // 2)
        yield


class Invoker:
    def __init__(self, answers: list[Outcome | Exception]) -> None:
        self._answers = answers

    def invoke(self, pin: Pin, parameters: bytes, run: FunctionRun) -> Outcome:
        step()
        answer = self._answers.pop() if self._answers else Outcome(Status.COMPLETED, result=b"1")
        if isinstance(answer, Exception):
            raise answer
        return answer


class Installation:
    """All of the service that writes to runs, on a table and a bucket in memory."""

    def __init__(self, time: FakeClock, answers: list[Outcome | Exception]) -> None:
        self.time = time
        self.dynamodb, self.s3 = InMemoryDynamoDB(), InMemoryS3()
        table = InMemoryTable(Stepped(self.dynamodb))
        objects = PartObjects(lambda: cast("Any", Stepped(self.s3)), "bucket")
        parts = PartStore(table, objects, lambda _: None)
        self.world = World()
        self.world.has_registered()
        self.world.runs = cast("Any", RunRecorder(table, parts, lambda _: None, max_reruns=10))
        self.world.erasures = cast("Any", Erasures(table, parts, report=lambda _: None))
        self.world.invoker = cast("Any", Invoker(answers))
        self.answered = False

    def record(self, size: int) -> None:
        run = a_run(status="pending", created_at=self.time())
        parameters = b'"' + b"x" * size + b'"'
        self.world.runs.record(run, seal_parts(run, {Part.PARAMETERS: parameters}, self.world.cipher))

    def execute(self) -> None:
        execute(RUN_ID, self.world.execution_deps)

    def erase(self) -> None:
        act = Act.done(Action.ERASE, "alice", WORKSPACE, kept_for=timedelta(days=400))
        erase(WORKSPACE, RUN_ID, act, self.world.erase_deps)
        self.answered = True

    def rerun(self, run_id: str = RUN_ID) -> None:
        try:
            prepared = prepare(RerunRequest(WORKSPACE, run_id, "bob", RerunBody()), self.world.rerun_deps)
            commit(prepared, self.world.start_deps)  # type: ignore[arg-type]
        except NoParameters:
            pass

    def watch(self) -> None:
        for run in self.world.runs.overdue():
            recover(run, self.world.watchdog)
        complete_erasures(self.world.erase_deps, has_time=lambda: True, report=self.fail)

    def fail(self, fault: Exception, _: object) -> None:
        raise AssertionError from fault

    @property
    def run(self) -> FunctionRun:
        run = self.world.runs.read_run(RUN_ID)
        assert run is not None
        return run

    @property
    def reruns(self) -> set[str]:
        return {key for key, sort in self.dynamodb.items if sort == keys.RUN} - {f"RUN#{RUN_ID}"}

    @property
    def shown(self) -> dict[Part, bytes]:
        """What the run names of its parts, whether or not it is marked."""
        return self.world.runs.read_parts(self.run, Part)

    @property
    def sealed(self) -> list[str]:
        return [sort for run, sort in self.dynamodb.items if run == f"RUN#{RUN_ID}" and sort.startswith("SEALED#")]

    def an_hour_passes(self) -> None:
        for _ in range(60):
            self.time.advance(minutes=1)
            self.watch()
            pushed, self.world.queue.pushed = self.world.queue.pushed, []
            for message in pushed:
                execute(message.run_id, self.world.execution_deps)


def of_size(size: int) -> Outcome:
    return Outcome(Status.COMPLETED, result=b'"' + b"y" * size + b'"')


ANSWERS = st.one_of(
    SIZES.map(of_size), st.sampled_from([RetryLater("TooManyRequestsException"), OutcomeUnknown("ConnectionFailed")])
)


@contextmanager
def installation(answers: list[Outcome | Exception]) -> Iterator[Installation]:
    time = FakeClock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", time)
        patch.setattr(clock, "pause", lambda _: None)
        yield Installation(time, answers)


@given(data=st.data(), parameters=SIZES, answers=st.lists(ANSWERS, max_size=4))
def test_nothing_is_left_of_a_run_that_was_erased_whatever_comes_in_between(
    data: st.DataObject, parameters: int, answers: list[Outcome | Exception]
) -> None:
    with installation(answers) as service:
        recorder = Actor(lambda: service.record(parameters))
        while keys.pair(keys.run(RUN_ID)) not in service.dynamodb.items:
            recorder.step()
        staged = {*service.s3.objects}
        stories: list[Callable[[], None]] = [service.execute, service.erase, service.watch, service.rerun]
        actors = [recorder, *map(Actor, [*stories, service.execute, service.erase, service.watch])]
        try:
            while alive := [each for each in actors if not each.is_done]:
                act(service, data.draw(st.sampled_from(alive)), data.draw(STEPS))
        finally:
            for each in actors:
                each.end()
        service.an_hour_passes()
        assert_ended_and_nothing_left(service, staged)


def act(service: Installation, actor: Actor, how: str) -> None:
    was_marked, reruns = service.run.erased_at is not None, service.reruns
    match how:
        case "time passes":
            service.time.advance(minutes=1)
        case "die before":
            actor.step("before")
        case "die after":
            actor.step("after")
        case _:
            actor.step()
    assert not was_marked or service.reruns == reruns, "no copy of its parameters is made any more"
    if service.answered:
        assert not service.shown, "what has been answered with 204 is gone"
        assert f"kept/{RUN_ID}/parameters" not in service.s3.objects, "nobody moves it there any more"


def assert_ended_and_nothing_left(service: Installation, staged: set[str]) -> None:
    assert not service.run.status.is_open
    if service.run.erased_at is not None:
        assert service.sealed == []
        assert [key for key in service.s3.objects if key in staged or RUN_ID in key] == []
        assert (f"RUN#{RUN_ID}", keys.ERASURE) not in service.dynamodb.items


@pytest.mark.parametrize("death", ["before", "after"])
@pytest.mark.parametrize("executed", [False, True])
def test_an_erasure_that_dies_at_any_call_is_finished_or_was_never_begun(death: Death, *, executed: bool) -> None:
    is_over, calls = False, 0
    while not is_over:
        calls += 1
        with installation([of_size(LARGE)]) as service:
            service.record(LARGE)
            if executed:
                service.execute()
            eraser = Actor(service.erase)
            for _ in range(calls):
                eraser.step()
            is_over = eraser.is_done
            eraser.step(death) if not is_over else None
            service.an_hour_passes()
            assert_ended_and_nothing_left(service, set())
            was_never_begun = death == "before" and calls == 1  # the second call marks the run
            assert (service.run.erased_at is None) == was_never_begun
    assert calls > 6


@pytest.mark.parametrize("executor_dies", [False, True])
def test_a_large_outcome_that_comes_too_late_is_deleted_by_its_executor_or_else_by_the_watchdog(
    *, executor_dies: bool
) -> None:
    with installation([of_size(LARGE)]) as service:
        service.record(SMALL)
        executor = Actor(service.execute)
        while service.run.status is not Status.RUNNING:
            executor.step()
        service.erase()
        service.time.advance(seconds=61)
        service.watch()
        while not service.s3.objects:
            executor.step()
        if executor_dies:
            executor.end()
            service.an_hour_passes()
        while not executor.is_done:
            executor.step()
        assert service.sealed == []
        assert service.s3.objects == {}
        assert service.run.status is (Status.FAILURE if executor_dies else Status.COMPLETED)


def test_what_is_erased_is_not_made_again_by_a_rerun_of_another_of_its_lineage() -> None:
    """A re-run extends the life of its original's parameters."""
    with installation([]) as service:
        service.record(SMALL)
        service.rerun()
        service.execute()
        (other,) = service.reruns
        service.erase()
        service.time.advance(days=80)
        service.rerun(other.removeprefix("RUN#"))
        assert len(service.reruns) == 2
        assert service.sealed == []
        service.time.advance(days=20)
        assert service.run.rerun_count == 2, "it lives as long as its newest re-run"
