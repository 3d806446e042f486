"""Pause, resume and cancel a batch.

A step that is in flight meanwhile starts what it was about to start, `MAX_STARTS` re-runs at most, and these are
counted. No step after it starts anything.
"""

from collections.abc import Callable
from typing import Any

from handlers.domain import clock
from handlers.domain.audit.act import Act, Action
from handlers.domain.batches.batch import Baseline, Batch, BatchState
from handlers.domain.batches.moving import moved
from handlers.domain.batches.ports import BatchDeps, BatchReader
from handlers.domain.batches.requests import CancelBatchBody, PauseBody, ResumeBody
from handlers.domain.batches.restarting import start_execution
from handlers.domain.errors import BatchEnded, NotFound, Unavailable
from handlers.domain.ids import parse_id

# Its steps move a batch, too: each second at most.
_ATTEMPTS = 10


def find_batch(workspace: str, batch_id: str, batches: BatchReader) -> Batch:
    """Raises NotFound, also for a batch of another workspace, or Unavailable."""
    known = parse_id(batch_id)
    batch = None if known is None else batches.read(known)
    if batch is None or batch.workspace != workspace:
        raise NotFound("Batch")
    return batch


def pause(workspace: str, batch_id: str, by: str, body: PauseBody, deps: BatchDeps) -> Batch:
    """Nothing changes if it is paused, or has stopped itself. Raises NotFound, BatchEnded or Unavailable."""

    def change(batch: Batch) -> dict[str, Any] | None:
        if batch.state in (BatchState.PAUSED, BatchState.STOPPED):
            return None
        return {"state": BatchState.PAUSED, "paused_from": batch.state}

    return _changed(batch_id, _act(Action.PAUSE_BATCH, workspace, by, body.reason, deps), change, deps)


def resume(workspace: str, batch_id: str, by: str, body: ResumeBody, deps: BatchDeps) -> Batch:
    """It goes on as slowly as it began: after a stop judged by what it starts from now on, in a canary by a new one.

    A batch that is not paused is given the new pace and rules, if there are any. Raises InvalidRequest, NotFound,
    BatchEnded or Unavailable.
    """

    def change(batch: Batch) -> dict[str, Any] | None:
        now = clock.now()
        rules = {} if body.stop_when is None else {"stop_when": body.stop_when.over(batch.stop_when)}
        paced = {} if body.pace is None else {"pace": body.pace.over(batch.pace), "ramp_began_at": None}
        asked = rules | paced
        if batch.state not in (BatchState.PAUSED, BatchState.STOPPED):
            return asked or None
        again = {} if batch.stop_reason is None else {"stop_reason": None, "baseline": _baseline(batch)}
        state = batch.paused_from or batch.first_state
        if state is BatchState.SCHEDULED and batch.not_before is not None and batch.not_before <= now:
            state = batch.first_state
        return {
            **asked,
            **again,
            "state": state,
            "paused_from": None,
            "ramp_began_at": None,
            "paced_until": max(now, batch.paced_until) if batch.paced_until else None,
            "generation": batch.generation + 1,
        }

    return _changed(batch_id, _act(Action.RESUME_BATCH, workspace, by, body.reason, deps), change, deps)


def cancel_batch(workspace: str, batch_id: str, by: str, body: CancelBatchBody, deps: BatchDeps) -> Batch:
    """It starts nothing any more. Its open re-runs are cancelled by its steps, if that is asked for, also later.

    Raises NotFound, BatchEnded or Unavailable.
    """
    calls_off = body.open_reruns == "cancel"

    def change(batch: Batch) -> dict[str, Any] | None:
        is_new = batch.state is not BatchState.CANCELLED
        if not is_new and (batch.cancels_open or not calls_off or not batch.needs_steps):
            return None
        ended_at = clock.now() if is_new else batch.ended_at
        return {
            "state": BatchState.CANCELLED,
            "paused_from": None,
            "ended_at": ended_at,
            "cancels_open": calls_off,
            "generation": batch.generation + 1,
        }

    return _changed(batch_id, _act(Action.CANCEL_BATCH, workspace, by, body.reason, deps), change, deps)


def _baseline(batch: Batch) -> Baseline:
    progress = batch.progress
    return Baseline(
        at=clock.now(),
        started=progress.started,
        settled=progress.settled,
        failed=progress.failed,
        cancelled=progress.cancelled,
    )


def _act(action: Action, workspace: str, by: str, reason: str | None, deps: BatchDeps) -> Act:
    return Act.done(action, by, workspace, kept_for=deps.retention.of_acts, reason=reason or None)


def _changed(batch_id: str, act: Act, change: Callable[[Batch], dict[str, Any] | None], deps: BatchDeps) -> Batch:
    """The batch after the change, stored with its act; as it is if there is none to make."""
    for _ in range(_ATTEMPTS):
        batch = find_batch(act.workspace, batch_id, deps.batches)
        may_be_changed = not batch.state.is_final or (
            batch.state is BatchState.CANCELLED and act.action is Action.CANCEL_BATCH
        )
        if not may_be_changed:
            raise BatchEnded(batch.state)
        changes = change(batch)
        if changes is None:
            return batch
        after = moved(batch, deps.retention, changed_at=act.at, changed_by=act.by, **changes)
        if deps.batches.replace(batch, after, act.evolve(batch_id=batch.id)):
            if after.generation != batch.generation:
                start_execution(after, deps.executions)
            return after
    raise Unavailable
