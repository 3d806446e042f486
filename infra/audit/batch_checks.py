"""Batches against the promises: what each has counted is there, once for each source, and none is left alone."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta

from handlers.domain.clock import iso
from infra.audit.findings import Finding, Rule
from infra.audit.records import BatchRecord, RunRecord, World


def check_batches(world: World, *, now: datetime, retention: timedelta, grace: timedelta) -> Iterator[Finding]:
    reruns: dict[str, list[RunRecord]] = defaultdict(list)
    for run in world.living(now):
        if run.batch is not None:
            reruns[run.batch].append(run)
    for batch_id, found in reruns.items():
        yield from _twice(batch_id, found)
    for batch in world.batches.values():
        if batch.expires_at > now.timestamp():
            # While the batch is within its own time, none of its re-runs can have expired.
            if batch.created_at > now - retention:
                yield from _miscounted(batch, len(reruns.get(batch.id, ())))
            yield from _alone(batch, now - grace)


def _twice(batch_id: str, reruns: list[RunRecord]) -> Iterator[Finding]:
    by_source: dict[str | None, list[str]] = defaultdict(list)
    for run in reruns:
        by_source[run.source].append(run.id)
    for runs in by_source.values():
        if len(runs) > 1:
            said = f"It has re-run one source {len(runs)} times."
            yield Finding(Rule.BATCH, (batch_id, *sorted(runs)), said, batches=(batch_id,))


def _miscounted(batch: BatchRecord, reruns: int) -> Iterator[Finding]:
    # Of a step that is under way there may be some that are not counted yet.
    if reruns < batch.started or (reruns > batch.started and not batch.is_in_step):
        said = f"It has counted {batch.started} re-runs, and there are {reruns}."
        yield Finding(Rule.BATCH, (batch.id,), said, batches=(batch.id,))


def _alone(batch: BatchRecord, latest: datetime) -> Iterator[Finding]:
    if batch.due_at is None and batch.needs_steps:
        said = "It has not ended, and is due at no time: the watchdog will not see it."
    elif batch.due_at is not None and batch.due_at < latest:
        said = f"It should have gone on at {iso(batch.due_at)}."
    else:
        return
    yield Finding(Rule.BATCH_DUE, (batch.id,), said, batches=(batch.id,))
