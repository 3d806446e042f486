"""Erase what a run holds: its parameters and overrides, and whatever came of it or will yet come of it.

The mark is set first. From then on the run is not claimed, no copy of its parameters is recorded, and its end is stored
without an outcome: each of these is a condition of the write itself. Then all that is sealed is deleted. An execution
that had begun before may still write an outcome that no run names: so the watchdog looks again once none of them can be
alive, and it finishes what died half way.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.log_context import concerns_run
from handlers.domain.runs.acts import on_run
from handlers.domain.runs.finish import CANCELLED, ERASED, finish
from handlers.domain.runs.history import read_run
from handlers.domain.runs.ports import ErrorGroups, LifecycleBus, RunTransitions
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.seal import Cipher

FIRST_LOOK = timedelta(minutes=1)
# What runs inside Lambda lives for a quarter of an hour at most.
LAST_LOOK = timedelta(minutes=16)


class Erasure(NamedTuple):
    """What the table reminds of until nothing can come back."""

    run_id: str
    erased_at: datetime


class Erasures(Protocol):
    """Every method raises Unavailable when AWS does not answer."""

    def begin(self, run: FunctionRun, act: Act) -> None:
        """Mark the run, note the act and remind the watchdog, all or nothing. Nothing if it was marked before."""

    def delete_content(self, run_id: str) -> None:
        """All that is sealed for the run now, in the table and in the bucket."""

    def due(self) -> Iterator[Erasure]:
        """Those that the watchdog should look at now."""

    def postpone(self, erasure: Erasure, until: datetime) -> None: ...

    def end(self, erasure: Erasure) -> None:
        """Nothing reminds of it any more."""


class EraseDeps(NamedTuple):
    """What erasing needs, and completing what was begun."""

    runs: RunTransitions
    erasures: Erasures
    cipher: Cipher
    bus: LifecycleBus
    groups: ErrorGroups


def erase(workspace: str, run_id: str, act: Act, deps: EraseDeps) -> None:
    """Once it returns, nothing of the run's content is there. Raises InvalidRunId, NotFound or Unavailable."""
    run = read_run(workspace, run_id, deps.runs)
    if run.erased_at is None:
        deps.erasures.begin(run, on_run(act, run))
    _delete_and_end(run.id, run, deps)


def complete(erasure: Erasure, deps: EraseDeps) -> bool:
    """What the watchdog does: all of it once more. Whether that was the last time. Raises Unavailable."""
    concerns_run(erasure.run_id)
    last_look = erasure.erased_at + LAST_LOOK
    is_last = clock.now() >= last_look
    _delete_and_end(erasure.run_id, deps.runs.read_run(erasure.run_id), deps)
    if is_last:
        deps.erasures.end(erasure)
    else:
        deps.erasures.postpone(erasure, last_look)
    return is_last


def _delete_and_end(run_id: str, run: FunctionRun | None, deps: EraseDeps) -> None:
    """`run` is None once it has expired. One that waits is not executed: it ends now, however late it is due."""
    deps.erasures.delete_content(run_id)
    if run is not None and run.status is Status.PENDING:
        # If it has moved meanwhile, who moved it finds the mark: nobody claims it.
        finish(run, ERASED if run.cancel_requested_at is None else CANCELLED, deps)
