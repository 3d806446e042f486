"""A batch goes on, or does not: what becomes of its steps when it is paused, cancelled, forgotten or stepped twice."""

from datetime import timedelta
from typing import Any

import pytest

from handlers.aws.batch_items import of_overrides
from handlers.domain.batches import stepping
from handlers.domain.batches.batch import BatchState
from handlers.domain.batches.changing import cancel_batch, pause, resume
from handlers.domain.batches.requests import CancelBatchBody, PauseBody, ResumeBody
from handlers.domain.batches.restarting import restart
from handlers.domain.errors import Unavailable
from handlers.domain.runs import cancel
from handlers.domain.runs.run import Status
from tests.builders import NOW, WORKSPACE
from tests.domain.batches.batching import (
    FAST,
    Execution,
    carry_on,
    check_books,
    execute_all,
    first_execution,
    has_failed,
    members,
    started,
)
from tests.fakes import FakeClock, World


def test_of_two_steps_at_once_one_starts_nothing(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_failed(world, 5)
    execution = first_execution(world, **FAST)
    replace = world.batches.replace
    second = []

    def after_another(*given: Any) -> bool:
        monkeypatch.setattr(world.batches, "replace", replace)
        second.append(Execution(world, execution.batch_id, 1).step())
        return replace(*given)

    monkeypatch.setattr(world.batches, "replace", after_another)
    assert execution.step().wait_seconds == 1, "it looks again"
    assert (len(second), len(members(world))) == (1, 5)
    check_books(world.batches.batches[execution.batch_id], world)


def test_a_pause_during_a_step_is_kept_and_what_the_step_starts_is_counted(world: World) -> None:
    has_failed(world, 8)
    execution = first_execution(world, **FAST)
    record = world.runs.record_rerun

    def pausing(*given: Any, **named: Any) -> bool:
        pause(WORKSPACE, execution.batch_id, "bob", PauseBody(), world.batch_deps)
        return record(*given, **named)

    world.runs.record_rerun = pausing  # type: ignore[method-assign]
    execution.step()
    batch = world.batches.batches[execution.batch_id]
    assert (batch.state, batch.progress.started, batch.chosen) == (BatchState.PAUSED, 5, ())
    check_books(batch, world)
    execution.step()
    assert len(members(world)) == 5


def test_a_paused_batch_is_stepped_until_nothing_is_open_and_then_no_more(world: World, time: FakeClock) -> None:
    has_failed(world, 8)
    execution = first_execution(world, **FAST)
    execution.step()
    pause(WORKSPACE, execution.batch_id, "bob", PauseBody(), world.batch_deps)
    assert not execution.step().is_over
    execute_all(world)
    assert execution.step().is_over
    batch = world.batches.batches[execution.batch_id]
    assert (batch.progress.completed, batch.due_at) == (5, None)


def test_a_batch_does_not_outlive_what_lies_beside_it(world: World, time: FakeClock) -> None:
    has_failed(world, 5)
    batch = started(world, **FAST, overrideParams={"dryRun": True})
    beside = of_overrides(batch, b"sealed")["expiresAt"]
    for _ in range(40):
        time.advance(days=60)
        if world.batches.read(batch.id) is None:
            return
        pause(WORKSPACE, batch.id, "bob", PauseBody(), world.batch_deps)
        paused = resume(WORKSPACE, batch.id, "bob", ResumeBody(), world.batch_deps)
        assert paused.expires_at.timestamp() <= beside
    raise AssertionError("it is kept for ever")


def test_open_reruns_are_cancelled_with_the_batch_if_that_is_asked_for(world: World, time: FakeClock) -> None:
    has_failed(world, 8)
    execution = first_execution(world, **FAST)
    execution.step()
    time.advance(seconds=1)
    execution.step()
    cancel_batch(WORKSPACE, execution.batch_id, "bob", CancelBatchBody.read({"openReruns": "cancel"}), world.batch_deps)
    Execution(world, execution.batch_id, 2).step()
    batch = carry_on(world, time, execution.batch_id)
    assert batch.state is BatchState.CANCELLED
    assert batch.progress.cancelled == batch.progress.started == 5
    assert {(run.status, run.cancel_requested_by) for run in members(world)} == {(Status.CANCELLED, "bob")}
    check_books(batch, world)


def test_one_that_could_not_be_ended_once_it_was_marked_is_called_off_by_the_next_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_failed(world, 3)
    execution = first_execution(world, **FAST)
    execution.step()
    cancel_batch(WORKSPACE, execution.batch_id, "bob", CancelBatchBody.read({"openReruns": "cancel"}), world.batch_deps)
    execution = Execution(world, execution.batch_id, 2)
    with monkeypatch.context() as outage:
        outage.setattr(cancel, "finish", _unavailable)
        execution.step()
    assert {run.status for run in members(world)} == {Status.PENDING}
    assert any(run.cancel_requested_at for run in members(world))
    execution.step()
    assert execution.step().is_over
    assert {(run.status, run.cancel_requested_by) for run in members(world)} == {(Status.CANCELLED, "bob")}


def _unavailable(*_: object) -> None:
    raise Unavailable


def test_open_reruns_of_a_cancelled_batch_go_on_and_are_counted(world: World, time: FakeClock) -> None:
    has_failed(world, 8)
    execution = first_execution(world, **FAST)
    execution.step()
    cancel_batch(WORKSPACE, execution.batch_id, "bob", CancelBatchBody(), world.batch_deps)
    batch = carry_on(world, time, execution.batch_id)
    assert (batch.state, batch.progress.completed) == (BatchState.CANCELLED, 5)


def test_an_execution_of_an_earlier_generation_does_nothing(world: World) -> None:
    has_failed(world, 5)
    execution = first_execution(world, **FAST)
    pause(WORKSPACE, execution.batch_id, "bob", PauseBody(), world.batch_deps)
    resume(WORKSPACE, execution.batch_id, "bob", ResumeBody(), world.batch_deps)
    assert execution.step().is_over
    assert not members(world)
    assert world.executions.started == [(execution.batch_id, 1), (execution.batch_id, 2)]


def test_an_execution_ends_in_good_time_and_the_next_one_goes_on(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stepping, "MAX_STEPS", 2)
    has_failed(world, 20)
    batch = carry_on(world, time, started(world).id)
    assert batch.state is BatchState.COMPLETED
    assert batch.generation > 2
    assert world.executions.started == [(batch.id, number) for number in range(1, batch.generation + 1)]


def test_a_batch_that_begins_later_is_begun_by_the_watchdog(world: World, time: FakeClock) -> None:
    has_failed(world, 3)
    batch = started(world, notBefore="2026-11-22T10:30:00Z")
    assert (batch.state, batch.due_at) == (BatchState.SCHEDULED, NOW + timedelta(hours=1))
    assert not world.executions.started
    assert list(world.batches.overdue()) == []
    batch = carry_on(world, time, batch.id)
    assert batch.state is BatchState.COMPLETED
    assert time.moment > NOW + timedelta(hours=1)


def test_a_batch_whose_execution_was_not_started_is_not_forgotten(world: World, time: FakeClock) -> None:
    has_failed(world, 3)
    world.executions.fails = True
    batch = started(world)
    time.advance(minutes=3)
    with pytest.raises(Unavailable):
        restart(batch, world.restart_deps)
    world.executions.fails = False
    time.advance(minutes=3)
    (overdue,) = world.batches.overdue()
    assert restart(overdue, world.restart_deps)
    assert not restart(overdue, world.restart_deps), "it has moved since it was read"
    assert carry_on(world, time, batch.id).state is BatchState.COMPLETED


def test_the_watchdogs_index_is_left_alone_while_nothing_is_due_soon(world: World, time: FakeClock) -> None:
    has_failed(world, 20)
    execution = first_execution(world, **FAST)
    seen = []
    for _ in range(4):
        execution.step()
        execute_all(world)
        seen.append(world.batches.batches[execution.batch_id].due_at)
        time.advance(seconds=40)
    first = NOW + timedelta(minutes=3)
    assert seen == [first, first, first, NOW + timedelta(seconds=120) + timedelta(minutes=3)]


def test_an_idle_step_writes_nothing_until_it_is_time_to_be_seen(world: World, time: FakeClock) -> None:
    has_failed(world, 1)
    execution = first_execution(world, **FAST)
    execution.step()
    time.advance(seconds=3)
    execution.step()  # finds that there are no more
    world.batches.writes = 0
    waits = []
    for _ in range(20):
        waits.append(execution.step().wait_seconds)
        time.advance(seconds=waits[-1])
        assert world.batches.batches[execution.batch_id].due_at > time.moment  # type: ignore[operator]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (2, 60)
    assert world.batches.writes <= 10
