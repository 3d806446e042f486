"""Cancel a run: what has not been started never is; what is being executed cannot be stopped, only be marked.

The outcome of a marked run is recorded as it happens. But the run is not executed again if that outcome is lost, and
not retried if it is a failure.
"""

from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.errors import RunEnded, Unavailable
from handlers.domain.runs.acts import on_run
from handlers.domain.runs.finish import CANCELLED, finish
from handlers.domain.runs.history import read_run
from handlers.domain.runs.ports import ErrorGroups, LifecycleBus, RunTransitions
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.seal import Cipher

# A run changes state a few times in its life: after so many reads, one sees a state that no longer changes.
_ATTEMPTS = 5


class CancelDeps(NamedTuple):
    """What cancelling needs."""

    runs: RunTransitions
    cipher: Cipher
    bus: LifecycleBus
    groups: ErrorGroups


def cancel(workspace: str, run_id: str, act: Act, deps: CancelDeps) -> FunctionRun:
    """The run: cancelled, or still running and marked. `act` is kept if that is news.

    Raises InvalidRunId, NotFound, RunEnded or Unavailable.
    """
    for _ in range(_ATTEMPTS):
        run = read_run(workspace, run_id, deps.runs)
        if run.status is Status.CANCELLED:
            return run
        if not run.status.is_open:
            raise RunEnded(run.status)
        act = on_run(act, run)
        if run.status is Status.PENDING:
            if finish(run, CANCELLED, deps, act=act):
                return run.evolve(status=Status.CANCELLED)
        elif run.cancel_requested_at is not None or _mark(run, act, deps):
            return run
    raise Unavailable


def call_off(run: FunctionRun, by: str, deps: CancelDeps) -> None:
    """Cancel this open run, if it has not moved, as a part of a larger act. Raises Unavailable: it may be marked."""
    is_marked = run.cancel_requested_at is not None
    marked = run if is_marked else run.evolve(cancel_requested_at=clock.now(), cancel_requested_by=by)
    if (is_marked or deps.runs.transition(run, marked)) and run.status is Status.PENDING:
        finish(marked, CANCELLED, deps)


def _mark(run: FunctionRun, act: Act, deps: CancelDeps) -> bool:
    marked = run.evolve(cancel_requested_at=act.at, cancel_requested_by=act.by)
    return deps.runs.transition(run, marked, act=act)
