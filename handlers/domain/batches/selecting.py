"""Which sources come next: newest first, or as they were named."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from handlers.domain.batches.batch import Batch, Selection
from handlers.domain.batches.reading import read_all
from handlers.domain.paging import Page
from handlers.domain.runs.listing import Filters, RunIndex
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import FunctionRun

# Read at once: runs, and entries of an index.
_CHUNK, _PAGE = 50, 400
# How many are counted before a batch begins: sources that have to be looked at one by one, and entries of an index.
SAMPLED, COUNTED = 1_000, 10_000
# What all entries of the index that is read are alike in.
_KNOWN_TO_INDEX = {"recovered", "error_group_id", "since", "until"}


class Candidate(NamedTuple):
    """What is next in the order of a batch."""

    run_id: str
    cursor: str | None
    """The batch's, once this one has been looked at; None if it was before."""
    run: FunctionRun | None
    """None if it is gone."""
    is_source: bool = True
    """Whether it is as was asked for."""


def filters_of(batch: Batch) -> Filters:
    """What is asked of the sources, none of which comes to be while the batch is at work."""
    asked = batch.selection or Selection()
    until = min(filter(None, (asked.until, batch.created_at)))
    return Filters(**dict(asked) | {"recovered": False, "until": until})


def candidates(batch: Batch, run_ids: list[str], index: RunIndex, runs: RunReader) -> Iterator[Candidate]:
    """After the batch's cursor, read as they are asked for. Raises Unavailable."""
    if batch.selection is None:
        start = int(batch.cursor or 0)
        places = ((run_id, str(number)) for number, run_id in enumerate(run_ids[start:], start=start + 1))
    else:
        entries = index.newest_first(batch.workspace, filters_of(batch), Page(_PAGE, batch.cursor))
        places = ((entry.run_id, entry.position) for entry in entries)
    filters = filters_of(batch) if batch.selection is not None else None
    while part := list(islice(places, _CHUNK)):
        for (run_id, cursor), run in zip(part, read_all([run_id for run_id, _ in part], runs), strict=True):
            is_source = filters is None or (run is not None and filters.match(run))
            yield Candidate(run_id, cursor, run, is_source)


def count_sources(batch: Batch, index: RunIndex, runs: RunReader) -> tuple[int, bool]:
    """How many a selection's sources are now, and whether they may be more than that. Raises Unavailable."""
    filters = filters_of(batch)
    if {name for name, asked in filters._asdict().items() if asked is not None} <= _KNOWN_TO_INDEX:
        entries = index.newest_first(batch.workspace, filters, Page(COUNTED))
        counted = sum(1 for _ in islice(entries, COUNTED))
        return counted, counted == COUNTED
    looked_at = list(islice(candidates(batch, [], index, runs), SAMPLED))
    return sum(each.is_source for each in looked_at), len(looked_at) == SAMPLED
