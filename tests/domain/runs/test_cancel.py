"""Cancelling: what has not been started never is, and what is being executed is marked."""

from typing import Any

import pytest

from handlers.domain.errors import InvalidRunId, NotFound, RunEnded, ServiceError
from handlers.domain.runs.cancel import cancel
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.finish import MAX_ATTEMPTS
from handlers.domain.runs.outcome import OutcomeUnknown, RetryLater
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.upkeep.recovery import RecoveryResult
from tests.builders import NOW, RUN_ID, WORKSPACE, a_run, an_act
from tests.domain.watching import a_pass, an_hour_passes
from tests.fakes import FakeClock, World


def cancelled(world: World, run_id: str = RUN_ID, workspace: str = WORKSPACE) -> FunctionRun:
    return cancel(workspace, run_id, an_act(action="cancel", by="bob"), world.cancel_deps)


def test_a_pending_run_is_cancelled_and_never_executed(waiting: World, time: FakeClock) -> None:
    assert cancelled(waiting).status is Status.CANCELLED
    run = waiting.run(RUN_ID)
    assert (run.status, run.cancel_requested_by, run.cancel_requested_at) == (Status.CANCELLED, "bob", NOW)
    assert (run.started_at, run.ended_at, run.duration_ms, run.error_code) == (None, NOW, None, None)
    assert (run.event_pending, run.deadline) == (False, None)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    an_hour_passes(waiting, time)
    assert not waiting.invoker.invocations


def test_the_end_of_a_cancelled_run_is_told(waiting: World) -> None:
    cancelled(waiting)
    (actual,) = waiting.bus.published
    assert actual.status is Status.CANCELLED


def test_a_bus_that_is_down_does_not_keep_a_run_from_being_cancelled(waiting: World, time: FakeClock) -> None:
    waiting.bus.fails = True
    assert cancelled(waiting).status is Status.CANCELLED
    waiting.bus.fails = False
    time.advance(minutes=2)
    assert a_pass(waiting) == [RecoveryResult.PUBLISHED_AGAIN]


def test_a_running_run_is_marked_and_its_outcome_recorded_as_it_happens(waiting: World) -> None:
    answers: list[Status] = []
    waiting.invoker.meanwhile = lambda: answers.append(cancelled(waiting).status)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (answers, run.status, run.cancel_requested_by) == ([Status.RUNNING], Status.COMPLETED, "bob")


def test_a_marked_run_whose_outcome_was_lost_is_not_executed_again(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [OutcomeUnknown("ConnectionFailed")]
    waiting.invoker.meanwhile = lambda: cancelled(waiting)
    execute(RUN_ID, waiting.execution_deps)
    an_hour_passes(waiting, time)
    run = waiting.run(RUN_ID)
    assert (run.status, run.execution_attempts, len(waiting.invoker.invocations)) == (Status.CANCELLED, 1, 1)


def test_a_marked_run_that_was_not_executed_after_all_never_is(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [RetryLater("TooManyRequestsException")]
    waiting.invoker.meanwhile = lambda: cancelled(waiting)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).status is Status.CANCELLED
    assert len(waiting.invoker.invocations) == 1


def test_a_marked_run_that_was_lost_time_and_again_is_cancelled_and_not_lost(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running", execution_attempts=MAX_ATTEMPTS))
    cancelled(world)
    time.advance(minutes=2)
    assert a_pass(world) == [RecoveryResult.CANCELLED]
    assert world.run(RUN_ID).status is Status.CANCELLED


def test_cancelling_twice_is_cancelling_once(waiting: World) -> None:
    first = cancelled(waiting)
    assert cancelled(waiting).status is first.status
    assert len(waiting.bus.published) == 1


def test_marking_twice_is_marking_once(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running"))
    cancelled(world)
    time.advance(seconds=1)
    assert cancelled(world).status is Status.RUNNING
    assert world.run(RUN_ID).cancel_requested_at == NOW


@pytest.mark.parametrize("status", ["running", "pending"])
def test_of_two_who_cancel_at_once_the_first_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    world.has_run(a_run(status=status))
    transition = world.runs.transition

    def meanwhile(*args: Any, **options: Any) -> bool:
        monkeypatch.setattr(world.runs, "transition", transition)
        cancel(WORKSPACE, RUN_ID, an_act(), world.cancel_deps)
        return transition(*args, **options)

    monkeypatch.setattr(world.runs, "transition", meanwhile)
    assert cancelled(world).cancel_requested_by == "alice"
    assert world.run(RUN_ID).cancel_requested_by == "alice"
    assert [act.by for act in world.audit_log.acts] == ["alice"]


def test_a_marked_run_that_is_pending_again_is_cancelled_by_who_marked_it(world: World) -> None:
    world.has_run(a_run(status="pending", cancel_requested_at=NOW, cancel_requested_by="alice"))
    cancelled(world)
    assert (world.run(RUN_ID).status, world.run(RUN_ID).cancel_requested_by) == (Status.CANCELLED, "alice")


@pytest.mark.parametrize("status", ["completed", "failure", "timeout"])
def test_a_run_that_has_ended_cannot_be_cancelled(world: World, status: str) -> None:
    world.has_run(a_run(status=status))
    with pytest.raises(RunEnded, match=status):
        cancelled(world)
    assert world.runs.writes == 0


@pytest.mark.parametrize(
    ("of", "error"),
    [
        ({"run_id": "no-uuid"}, InvalidRunId),
        ({"run_id": RUN_ID.replace("5", "6")}, NotFound),
        ({"workspace": "globex"}, NotFound),
    ],
)
def test_only_a_run_of_the_workspace_can_be_cancelled(
    waiting: World, of: dict[str, Any], error: type[ServiceError]
) -> None:
    with pytest.raises(error):
        cancelled(waiting, **of)
    assert waiting.run(RUN_ID).status is Status.PENDING


def test_a_run_that_is_marked_while_it_is_claimed_again_is_not_executed_again(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running", pin=None))
    time.advance(minutes=2)
    world.code.meanwhile = lambda: cancelled(world)
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.NOT_OURS
    assert not world.invoker.invocations
    assert a_pass(world) == [RecoveryResult.CANCELLED]


def test_who_claims_the_run_in_the_same_moment_executes_it_and_it_is_marked(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, meanwhile = waiting.runs.read_run, [lambda: execute(RUN_ID, waiting.execution_deps)]
    marked: list[FunctionRun] = []

    def read_then_claimed(run_id: str) -> FunctionRun | None:
        run = read(run_id)
        if meanwhile:
            waiting.invoker.meanwhile = lambda: marked.append(cancelled(waiting))
            meanwhile.pop()()
        return run

    monkeypatch.setattr(waiting.runs, "read_run", read_then_claimed)
    with pytest.raises(RunEnded):
        cancelled(waiting)
    assert [run.status for run in marked] == [Status.RUNNING]
    assert waiting.run(RUN_ID).status is Status.COMPLETED
