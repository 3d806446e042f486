"""Plan a batch: what it would do, as things are now. Nothing is written, and no parameters are opened."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from handlers.domain import clock
from handlers.domain.batches import pace
from handlers.domain.batches.batch import OTHER_GROUPS, Batch, BatchState, Progress, Skipped
from handlers.domain.batches.judging import Startable, judge
from handlers.domain.batches.ports import BatchPlanDeps
from handlers.domain.batches.progress import NotStarted, not_started, with_not_started
from handlers.domain.batches.selecting import SAMPLED, candidates, count_sources
from handlers.domain.batches.starting import BatchRequest, new_batch
from handlers.domain.errors import RerunLimitReached
from handlers.domain.runs.run import FunctionRun


class BatchPlan(NamedTuple):
    """All counts are of the sources that were looked at."""

    sources: int
    is_sample: bool
    """Whether there may be more than those."""
    expected_sources: int
    expected_capped: bool
    """Whether there may be more than expected."""
    would_start: int
    skipped: Mapping[Skipped, int]
    refused: Mapping[str, int]
    by_function: Mapping[str, int]
    """Of those that would be started, as the next."""
    by_error_group: Mapping[str, int]
    executions_per_rerun: int
    """At most: one, and its automatic retries."""
    estimated_seconds: int | None
    """By the pace alone; None if nothing would be started."""


def plan_batch(request: BatchRequest, deps: BatchPlanDeps) -> BatchPlan:
    """Raises InvalidRequest or Unavailable."""
    batch = new_batch(request, deps.retention)
    ahead = candidates(batch, list(request.options.run_ids or []), deps.run_index, deps.runs)
    looked_at = list(islice(ahead, SAMPLED))
    sources = [each.run for each in looked_at if each.is_source]
    expected, is_capped = len(sources), False
    if batch.selection is not None and len(looked_at) == SAMPLED:
        expected, is_capped = count_sources(batch, deps.run_index, deps.runs)
    startable, progress = _judged(batch, sources, deps)
    groups = Counter(each.source.error_group_id or OTHER_GROUPS for each in startable)
    return BatchPlan(
        sources=len(sources),
        is_sample=batch.selection is not None and len(looked_at) == SAMPLED,
        expected_sources=expected,
        expected_capped=is_capped,
        would_start=len(startable),
        skipped=progress.skipped,
        refused=progress.refused,
        by_function=Counter(each.source.function_id for each in startable),
        by_error_group=groups,
        executions_per_rerun=max((each.executions for each in startable), default=0),
        estimated_seconds=_seconds(batch, expected) if startable else None,
    )


def _judged(
    batch: Batch, sources: Sequence[FunctionRun | None], deps: BatchPlanDeps
) -> tuple[list[Startable], Progress]:
    startable: dict[str, Startable] = {}
    against: list[NotStarted] = []
    for result in judge(batch, sources, deps):
        if isinstance(result, NotStarted):
            against.append(result)
        elif result.expected_reruns >= deps.max_reruns:
            against.append(not_started(RerunLimitReached(deps.max_reruns)))
        elif result.source.lineage_id in startable:
            against.append(NotStarted(skipped="open"))  # by the re-run of the one before
        else:
            startable[result.source.lineage_id] = result
    return list(startable.values()), with_not_started(Progress(), against)


def _seconds(batch: Batch, sources: int) -> int:
    """From its beginning to its last start: the canary at the first rate, and the others at one that rises."""
    now = clock.now()
    canary = min(batch.canary_count, sources)
    rising = batch.evolve(state=BatchState.RUNNING, ramp_began_at=now)
    return math.ceil(canary / batch.pace.start_per_second + pace.seconds_for(rising, now, sources - canary))
