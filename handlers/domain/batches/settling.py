"""What has become of a batch's open re-runs."""

from datetime import datetime
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.batches.batch import Baseline, Batch
from handlers.domain.batches.progress import with_end
from handlers.domain.batches.reading import read_all
from handlers.domain.ids import derived_id
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Status


class Settled(NamedTuple):
    batch: Batch
    open_runs: list[FunctionRun]
    """As they were found, failures that await their retry among them."""
    waiting: int
    """How many of them need no place to be executed at: failures that await their retry, and retries not due yet."""
    failed_again: FunctionRun | None
    """One that has failed with its source's error group."""


def settle(batch: Batch, runs: RunReader) -> Settled:
    """Count those that have ended. A failure has not ended before its automatic retry has. Raises Unavailable."""
    still_open, ended, gone = _sorted(batch, runs)
    members = _members(ended, runs)
    sources = read_all([str(member.source_run_id) for member in members], runs)
    progress, baseline, failed_again = batch.progress, batch.baseline, None
    for run, member, source in zip(ended, members, sources, strict=True):
        progress = with_end(progress, run)
        if baseline.at is not None and member.created_at < baseline.at:
            baseline = _without(baseline, run)
        elif run.status.is_failed and source is not None and _is_alike(run, source):
            failed_again = failed_again or run
    for _ in range(gone):
        progress = with_end(progress, None)
    settled = batch.evolve(progress=progress, baseline=baseline, open_runs=tuple(run.id for run in still_open))
    now = clock.now()
    return Settled(settled, still_open, sum(_waits(run, now) for run in still_open), failed_again)


def _sorted(batch: Batch, runs: RunReader) -> tuple[list[FunctionRun], list[FunctionRun], int]:
    """The open ones, the last of each line of retries that has ended, and how many are gone."""
    still_open: list[FunctionRun] = []
    ended: list[FunctionRun] = []
    found = read_all(batch.open_runs, runs)
    gone = found.count(None)
    while found:
        failures: list[FunctionRun] = []
        for run in filter(None, found):
            if run.status.is_open or (run.awaits_retry and run.event_pending):
                still_open.append(run)
            else:
                (failures if run.awaits_retry else ended).append(run)
        # It has been decided whether they are retried: the retries are there, or never will be.
        found = read_all([derived_id("retry", run.id) for run in failures], runs)
        ended += [run for run, retry in zip(failures, found, strict=True) if retry is None]
    return still_open, ended, gone


def _waits(run: FunctionRun, now: datetime) -> bool:
    return run.awaits_retry or (run.status is Status.PENDING and run.not_before is not None and run.not_before > now)


def _members(ended: list[FunctionRun], runs: RunReader) -> list[FunctionRun]:
    """What the batch itself has started, in place of retries of that."""
    members = list(ended)
    while retries := [place for place, run in enumerate(members) if run.execution_source is ExecutionSource.RETRY]:
        sources = read_all([str(members[place].source_run_id) for place in retries], runs)
        for place, source in zip(retries, sources, strict=True):
            # Without its source, which lives as long, a retry stands for itself.
            members[place] = source or members[place].evolve(execution_source=ExecutionSource.RERUN)
    return members


def _is_alike(run: FunctionRun, source: FunctionRun) -> bool:
    """By their groups; if one has none, from before there were any perhaps, by all that is known without."""
    if run.error_group_id and source.error_group_id:
        return run.error_group_id == source.error_group_id
    return run.error_code is not None and _kind(run) == _kind(source)


def _kind(failed: FunctionRun) -> tuple[str | None, ...]:
    return failed.function_id, failed.error_source, failed.error_code


def _without(baseline: Baseline, run: FunctionRun) -> Baseline:
    """What has ended is not judged, if it was started before."""
    if run.status is Status.CANCELLED:
        return baseline.evolve(cancelled=baseline.cancelled + 1)
    return baseline.evolve(settled=baseline.settled + 1, failed=baseline.failed + run.status.is_failed)
