"""One step of a batch: count what has ended, decide whether it goes on, and start as many as the pace allows.

A step writes the batch twice, if it starts anything: before, what it is about to start, and afterwards what has come of
it. Another one that is taken meanwhile cannot write the first, and starts nothing. One that comes after a step that has
died waits until that must be over, finds by their ids which of the chosen have been started, and goes on with the rest.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.batches import pace
from handlers.domain.batches.batch import MAX_OPEN, MAX_STARTS, Batch, BatchState
from handlers.domain.batches.choosing import choose
from handlers.domain.batches.judging import Startable
from handlers.domain.batches.moving import is_in_time, moved
from handlers.domain.batches.ports import StepDeps
from handlers.domain.batches.progress import with_not_started, with_started
from handlers.domain.batches.reading import read_all
from handlers.domain.batches.restarting import start_execution
from handlers.domain.batches.selecting import count_sources
from handlers.domain.batches.settling import settle
from handlers.domain.batches.starts import Starts, start_all
from handlers.domain.batches.stopping import canary_left, is_canary_over, reason_to_stop
from handlers.domain.errors import Unavailable
from handlers.domain.runs.cancel import call_off
from handlers.domain.runs.run import FunctionRun, Status, new_token

# Of one execution. A loop of task, choice and wait is about 9 events, and an execution's history ends at 25,000.
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MAX_STEPS = 2_000
# Longer than the Lambda function that takes a step may run.
LONGEST_STEP = timedelta(seconds=40)
# While AWS does not answer, and after somebody else has changed the batch.
BUSY_SECONDS, _AGAIN_SECONDS = 10, 1
# Between looks at whether open runs have ended: longer, the longer none has.
_LOOK_SECONDS, _SELDOM_SECONDS = 2, 60
# A function takes about so long.
_EXECUTION_SECONDS = 1
_ATTEMPTS = 5


class StepResult(NamedTuple):
    is_over: bool
    """Of this generation there is no further step."""
    wait_seconds: int = 0
    steps: int = 0
    has_stopped: bool = False
    """By one of its rules, just now."""


def step(batch_id: str, generation: int, steps: int, deps: StepDeps, *, has_time: Callable[[], bool]) -> StepResult:
    """`steps` is how many the generation has had. Takes as long as `has_time` says, and a few calls more."""
    try:
        return _step(batch_id, generation, steps + 1, deps, has_time)
    except Unavailable as fault:
        deps.report(fault, batch_id)
        return StepResult(False, BUSY_SECONDS, steps + 1)


def _step(batch_id: str, generation: int, steps: int, deps: StepDeps, has_time: Callable[[], bool]) -> StepResult:
    before = deps.batches.read(batch_id)
    if before is None or before.generation != generation or not before.needs_steps:
        return StepResult(True, 0, steps)
    now = clock.now()
    if before.step_until is not None and now < before.step_until:
        return StepResult(False, math.ceil((before.step_until - now).total_seconds()), steps)
    batch, startable, places = _decided(_taken_over(before, deps), now, deps, has_time)
    is_last = steps >= MAX_STEPS and batch.needs_steps
    due_times = pace.due_times(batch, now, len(startable))
    stored = _stored(before, batch.evolve(generation=generation + is_last), due_times, now, deps)
    if stored is None:
        return StepResult(False, _AGAIN_SECONDS, steps)
    has_stopped = stored.state is BatchState.STOPPED is not before.state
    wait = None
    if startable:
        starts = start_all(startable, due_times, stored, deps, has_time=has_time)
        wait = BUSY_SECONDS if starts.is_unavailable else None
        stored = _noted(stored, starts, deps)
    if is_last and stored is not None and stored.generation == generation + 1:
        start_execution(stored, deps.executions)
    if stored is not None and (stored.generation != generation or not stored.needs_steps):
        return StepResult(True, 0, steps, has_stopped)
    if wait is None:
        wait = _AGAIN_SECONDS if stored is None else _wait(stored, places)
    return StepResult(False, wait, steps, has_stopped)


def _stored(before: Batch, batch: Batch, due_times: list[datetime], now: datetime, deps: StepDeps) -> Batch | None:
    """The batch with what is about to be started; None if it has been changed meanwhile. Raises Unavailable."""
    if due_times:
        batch = batch.evolve(step_token=new_token(), step_until=now + LONGEST_STEP, paced_until=due_times[-1])
    if batch.progress != before.progress:
        batch = batch.evolve(moved_at=now)
    if batch == before and is_in_time(before, now):
        return before
    after = moved(batch, deps.retention)
    return after if deps.batches.replace(before, after) else None


def _taken_over(batch: Batch, deps: StepDeps) -> Batch:
    """With what a step has started that has died: it is found by the ids that it must have. Raises Unavailable."""
    if batch.step_token is None:
        return batch
    reruns = [batch.rerun_id(source) for source in batch.chosen]
    started = {run.id for run in read_all(reruns, deps.runs) if run is not None}
    return batch.evolve(
        step_token=None,
        step_until=None,
        chosen=tuple(source for source, rerun in zip(batch.chosen, reruns, strict=True) if rerun not in started),
        open_runs=(*batch.open_runs, *(rerun for rerun in reruns if rerun in started)),
        progress=with_started(batch.progress, len(started)),
    )


def _decided(
    batch: Batch, now: datetime, deps: StepDeps, has_time: Callable[[], bool]
) -> tuple[Batch, list[Startable], int]:
    """The batch with what has ended, stopped if it is to stop, and what it is to start. Raises Unavailable.

    The number says how many re-runs it may have open meanwhile.
    """
    batch, open_runs, waiting, failed_again = settle(batch, deps.runs)
    if batch.cancels_open:
        _call_off(open_runs, batch, deps, has_time)
    if not batch.state.is_starting:
        return batch, [], 0
    reason = reason_to_stop(batch, failed_again)
    if reason is not None:
        return batch.evolve(state=BatchState.STOPPED, paused_from=batch.state, stop_reason=reason), [], 0
    if batch.state is BatchState.CANARY and is_canary_over(batch):
        batch = batch.evolve(state=BatchState.RUNNING)
    if batch.state is BatchState.RUNNING and batch.ramp_began_at is None:
        batch = batch.evolve(ramp_began_at=now, ramp_began_with=batch.progress.selected)
    if batch.selection is not None and batch.expected_sources is None:
        expected, is_capped = count_sources(batch, deps.run_index, deps.runs)
        batch = batch.evolve(expected_sources=expected, expected_capped=is_capped)
    places = min(MAX_OPEN, waiting + _share(batch, deps))
    most = min(pace.allowed(batch, now), _room(batch, places))
    batch, startable = choose(batch, most, deps, has_time) if most > 0 else (batch, [])
    if batch.selection_done and not batch.chosen and not batch.open_runs:
        batch = batch.evolve(state=BatchState.COMPLETED, ended_at=now)
    return batch, startable, places


def _share(batch: Batch, deps: StepDeps) -> int:
    """Of the places for all batches, that which is left to this one. Raises Unavailable."""
    return max(1, deps.max_open // len({batch.id} | deps.batches.at_work()))


def _call_off(open_runs: list[FunctionRun], batch: Batch, deps: StepDeps, has_time: Callable[[], bool]) -> None:
    """Those that are not cancelled yet; the rest in the next step. Raises Unavailable.

    One that is pending may be marked: it could not be ended then. One that is being executed is only marked.
    """
    left = [
        run
        for run in open_runs
        if run.status is Status.PENDING or (run.status.is_open and run.cancel_requested_at is None)
    ]
    for run in left[:MAX_STARTS]:
        if has_time():
            call_off(run, batch.changed_by or batch.by, deps.cancel_deps)


def _noted(batch: Batch, starts: Starts, deps: StepDeps) -> Batch | None:
    """The batch with what has come of the chosen, whatever else has been changed of it meanwhile.

    None if another step has found that for itself. Raises Unavailable.
    """
    token = batch.step_token
    known = {*starts.started, *starts.not_started}
    stored: Batch | None = batch
    for _ in range(_ATTEMPTS):
        if stored is None or stored.step_token != token:
            return None
        progress = with_not_started(with_started(stored.progress, len(starts.started)), starts.not_started.values())
        noted = moved(
            stored,
            deps.retention,
            # What has been started, and only the answer to that was lost, is found by the next step.
            step_token=token if starts.is_unavailable else None,
            step_until=None,
            chosen=tuple(source for source in stored.chosen if source not in known),
            open_runs=(*stored.open_runs, *map(stored.rerun_id, starts.started)),
            progress=progress,
            moved_at=clock.now(),
        )
        if deps.batches.replace(stored, noted):
            return noted
        stored = deps.batches.read(batch.id)
    raise Unavailable


def _room(batch: Batch, places: int) -> int:
    """How many one step may start at most, the pace aside."""
    left = canary_left(batch) if batch.state is BatchState.CANARY else MAX_STARTS
    return min(MAX_STARTS, left, places - len(batch.open_runs))


def _wait(batch: Batch, places: int) -> int:
    """Seconds until the next step has something to do."""
    now = clock.now()
    has_more = batch.state.is_starting and (bool(batch.chosen) or not batch.selection_done)
    room = _room(batch, places) if has_more else 0
    all_due_at = batch.paced_until or now
    if room > 0:
        several_at = min(pace.allowed_at(batch, now, room), all_due_at)
        left = (max(pace.allowed_at(batch, now, 1), several_at) - now).total_seconds()
        return max(0, math.ceil(left))
    all_ended = (all_due_at - now).total_seconds() + _EXECUTION_SECONDS
    quiet = (now - (batch.moved_at or batch.created_at)).total_seconds()
    return math.ceil(min(max(_LOOK_SECONDS, all_ended, quiet / 2), _SELDOM_SECONDS))
