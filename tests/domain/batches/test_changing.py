"""Pause, resume and cancel a batch."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.batches.batch import Baseline, Batch, BatchState, Pace, Progress, StopReason, StopWhen
from handlers.domain.batches.changing import cancel_batch, find_batch, pause, resume
from handlers.domain.batches.requests import CancelBatchBody, PauseBody, ResumeBody
from handlers.domain.errors import BatchEnded, InvalidRequest, NotFound, Unavailable
from tests.builders import NOW, WORKSPACE, an_id
from tests.domain.batches.batching import started
from tests.fakes import FakeClock, World

CHANGES: dict[str, Callable[..., Batch]] = {
    "pause": lambda world, id_, **body: pause(WORKSPACE, id_, "bob", PauseBody.read(body), world.batch_deps),
    "resume": lambda world, id_, **body: resume(WORKSPACE, id_, "bob", ResumeBody.read(body), world.batch_deps),
    "cancel": lambda world, id_, **body: cancel_batch(
        WORKSPACE, id_, "bob", CancelBatchBody.read(body), world.batch_deps
    ),
}


def changed(world: World, batch: Batch, change: str, **body: Any) -> Batch:
    return CHANGES[change](world, batch.id, **body)


def has(world: World, state: BatchState, **changes: Any) -> Batch:
    batch = started(world).evolve(state=state, **changes)
    world.batches.batches[batch.id] = batch
    world.executions.started.clear()
    world.audit_log.sealed.clear()
    return batch


@pytest.mark.parametrize("state", [BatchState.CANARY, BatchState.RUNNING])
def test_a_paused_batch_goes_on_where_it_was(world: World, time: FakeClock, state: BatchState) -> None:
    batch = has(world, state, ramp_began_at=NOW, paced_until=NOW)
    paused = changed(world, batch, "pause", reason="Look at the first")
    assert (paused.state, paused.paused_from, paused.due_at) == (BatchState.PAUSED, state, None)
    assert (paused.changed_by, paused.changed_at) == ("bob", NOW)
    time.advance(hours=1)
    resumed = changed(world, batch, "resume")
    assert (resumed.state, resumed.paused_from, resumed.generation) == (state, None, 2)
    assert (resumed.ramp_began_at, resumed.paced_until) == (None, time.moment), "it begins slowly again"
    assert world.executions.started == [(batch.id, 2)]
    acts = [(act.act.action, act.act.by, act.act.batch_id, act.act.reason) for act in world.audit_log.sealed]
    assert acts == [("pause-batch", "bob", batch.id, "Look at the first"), ("resume-batch", "bob", batch.id, None)]


def test_after_a_stop_only_what_comes_is_judged(world: World) -> None:
    reason = StopReason(rule="failures", failed=3, ended=8)
    progress = Progress(selected=12, started=10, completed=5, failed=3, skipped={"open": 2})
    batch = has(world, BatchState.STOPPED, paused_from=BatchState.RUNNING, stop_reason=reason, progress=progress)
    resumed = changed(world, batch, "resume")
    assert (resumed.state, resumed.stop_reason) == (BatchState.RUNNING, None)
    assert resumed.baseline == Baseline(at=NOW, started=10, settled=8, failed=3)


def test_pace_and_rules_may_be_changed_with_it_also_while_it_goes_on(world: World) -> None:
    batch = has(world, BatchState.RUNNING, ramp_began_at=NOW)
    after = changed(world, batch, "resume", pace={"maxPerSecond": 0.5}, stopWhen={"failures": 9})
    assert after.pace == Pace(start_per_second=0.5, max_per_second=0.5)
    assert after.stop_when == StopWhen(failures=9)
    assert (after.state, after.generation, after.ramp_began_at) == (BatchState.RUNNING, 1, None)
    with pytest.raises(InvalidRequest):
        changed(world, batch, "resume", pace={"startPerSecond": 3, "maxPerSecond": 2})


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (BatchState.PAUSED, "pause"),
        (BatchState.STOPPED, "pause"),
        (BatchState.RUNNING, "resume"),
        (BatchState.CANCELLED, "cancel"),
    ],
)
def test_what_is_so_already_is_answered_and_nobody_has_done_anything(
    world: World, state: BatchState, change: str
) -> None:
    batch = has(world, state, paused_from=BatchState.RUNNING if state is BatchState.PAUSED else None)
    assert changed(world, batch, change) == batch
    assert not world.audit_log.sealed
    assert not world.executions.started


@pytest.mark.parametrize(
    ("state", "change"),
    [
        (BatchState.COMPLETED, "pause"),
        (BatchState.COMPLETED, "resume"),
        (BatchState.COMPLETED, "cancel"),
        (BatchState.CANCELLED, "pause"),
        (BatchState.CANCELLED, "resume"),
    ],
)
def test_a_batch_that_has_ended_is_not_changed(world: World, state: BatchState, change: str) -> None:
    batch = has(world, state)
    with pytest.raises(BatchEnded):
        changed(world, batch, change)
    assert world.batches.batches[batch.id] == batch


def test_a_cancelled_batch_needs_steps_only_for_what_is_open(world: World) -> None:
    idle = changed(world, has(world, BatchState.RUNNING, chosen=(an_id(1),)), "cancel")
    assert (idle.state, idle.ended_at, idle.due_at, idle.chosen) == (BatchState.CANCELLED, NOW, None, ())
    assert not world.executions.started
    busy = changed(world, has(world, BatchState.RUNNING, open_runs=(an_id(1),)), "cancel")
    assert busy.due_at is not None
    assert world.executions.started == [(busy.id, 2)]


def test_open_reruns_may_be_called_off_later(world: World, time: FakeClock) -> None:
    batch = has(world, BatchState.RUNNING, open_runs=(an_id(1),))
    first = changed(world, batch, "cancel")
    time.advance(minutes=1)
    second = changed(world, batch, "cancel", openReruns="cancel")
    assert (first.cancels_open, second.cancels_open) == (False, True)
    assert second.ended_at == first.ended_at
    assert world.executions.started == [(batch.id, 2), (batch.id, 3)]


def test_a_scheduled_batch_may_be_paused_and_still_begins_in_its_time(world: World, time: FakeClock) -> None:
    due = NOW + timedelta(hours=1)
    batch = has(world, BatchState.SCHEDULED, not_before=due)
    assert changed(world, batch, "pause").due_at is None
    resumed = changed(world, batch, "resume")
    assert (resumed.state, resumed.due_at) == (BatchState.SCHEDULED, due)
    assert not world.executions.started
    changed(world, batch, "pause")
    time.advance(hours=2)
    assert changed(world, batch, "resume").state is BatchState.CANARY
    assert world.executions.started == [(batch.id, 3)]


def test_a_change_is_made_on_what_a_step_has_made_of_it_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = has(world, BatchState.RUNNING)
    replace = world.batches.replace
    moves = iter(range(3))

    def after_a_step(before: Batch, after: Batch, act: Any = None) -> bool:
        if (move := next(moves, None)) is not None:
            now = world.batches.batches[batch.id]
            world.batches.batches[batch.id] = now.evolve(revision=f"step {move}", progress=Progress(selected=move))
        return replace(before, after, act)

    monkeypatch.setattr(world.batches, "replace", after_a_step)
    paused = changed(world, batch, "pause")
    assert (paused.state, paused.progress.selected) == (BatchState.PAUSED, 2)
    assert len(world.audit_log.sealed) == 1


def test_a_batch_that_moves_all_the_time_is_tried_again_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = has(world, BatchState.RUNNING)
    monkeypatch.setattr(world.batches, "replace", lambda *_: False)
    with pytest.raises(Unavailable):
        changed(world, batch, "pause")


@pytest.mark.parametrize("batch_id", [an_id(404), "none", ""])
def test_a_batch_that_is_not_there_is_not_found(world: World, batch_id: str) -> None:
    with pytest.raises(NotFound):
        find_batch(WORKSPACE, batch_id, world.batches)


def test_nor_is_one_of_another_workspace(world: World) -> None:
    batch = started(world)
    with pytest.raises(NotFound):
        find_batch("other", batch.id, world.batches)
    assert find_batch(WORKSPACE, batch.id.upper(), world.batches) == batch
