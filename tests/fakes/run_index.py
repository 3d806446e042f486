"""The index of runs, in memory."""

from collections.abc import Iterator

from handlers.domain.clock import iso
from handlers.domain.paging import Page
from handlers.domain.runs.listing import Entry, Filters
from tests.fakes.stores import InMemoryRuns, position


class InMemoryRunIndex:
    """Like the real one it knows of each run only what its index holds."""

    def __init__(self, runs: InMemoryRuns) -> None:
        self._runs = runs

    def newest_first(self, workspace: str, filters: Filters, page: Page) -> Iterator[Entry]:
        first, last = (moment and iso(moment) for moment in (filters.since, filters.until))
        for run in sorted(self._runs.runs.values(), key=position, reverse=True):
            is_in_time = (first or "") <= iso(run.created_at) <= (last or "~")
            is_ahead = page.after is None or position(run) < page.after
            is_indexed = run.recovered is not None if filters.recovered is not None else True
            if run.workspace == workspace and is_in_time and is_ahead and is_indexed:
                yield Entry(position(run), run.id)
