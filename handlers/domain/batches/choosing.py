"""What a step is to start: the next sources that nothing stands against. What stands against the others is counted."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import chain, islice

from handlers.domain import clock
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.judging import Startable, judge
from handlers.domain.batches.ports import StepDeps
from handlers.domain.batches.progress import NotStarted, with_not_started
from handlers.domain.batches.reading import read_all
from handlers.domain.batches.selecting import Candidate, candidates

# In one step: half of its time, so that it starts what it has chosen.
MAX_LOOKS, MAX_TIME = 5_000, timedelta(seconds=4)
# Judged together: some, though few are to be started.
_MOST, _LEAST = 50, 5


def choose(batch: Batch, most: int, deps: StepDeps, has_time: Callable[[], bool]) -> tuple[Batch, list[Startable]]:
    """The batch after these have been chosen. Those that an earlier step has chosen come first. Raises Unavailable."""
    chosen = dict.fromkeys(batch.chosen)
    startable: list[Startable] = []
    reasons: list[NotStarted] = []
    cursor, looks, is_done = batch.cursor, 0, batch.selection_done
    ahead, until = _ahead(batch, deps), clock.now() + MAX_TIME
    while len(startable) < most and looks < MAX_LOOKS and has_time() and clock.now() < until:
        part = list(islice(ahead, min(_MOST, max(_LEAST, most - len(startable)))))
        if not part:
            is_done = True
            break
        sources = {each.run_id: each.run for each in part if each.is_source}
        judged = dict(zip(sources, judge(batch, list(sources.values()), deps), strict=True))
        for each in part:
            if len(startable) == most:
                break
            looks += 1
            cursor = each.cursor or cursor
            result = judged.get(each.run_id)
            if isinstance(result, Startable):
                startable.append(result)
                chosen[each.run_id] = None
            elif result is not None:
                reasons.append(result)
                chosen.pop(each.run_id, None)
    changes = {"chosen": tuple(chosen), "cursor": cursor, "selection_done": is_done}
    return batch.evolve(progress=with_not_started(batch.progress, reasons), **changes), startable


def _ahead(batch: Batch, deps: StepDeps) -> Iterator[Candidate]:
    """Raises Unavailable."""
    again = zip(batch.chosen, read_all(batch.chosen, deps.runs), strict=True)
    left = (Candidate(run_id, None, run) for run_id, run in again)
    if batch.selection_done:
        return left
    # Should they be gone, each counts as refused, like a run that is gone.
    run_ids = deps.batches.run_ids(batch.id) or ["gone"] * (batch.run_ids_count or 0) if batch.selection is None else []
    return chain(left, candidates(batch, run_ids, deps.run_index, deps.runs))
