"""Runs in time order, from the index that fits what is asked for best."""

import heapq
from collections.abc import Iterator
from datetime import datetime

from handlers.aws import run_items as items
from handlers.aws.table import Table, to_item
from handlers.domain.clock import iso
from handlers.domain.paging import Page
from handlers.domain.runs.listing import Entry, Filters
from handlers.domain.runs.run import Status

# Outside of every position: before the first moment, after every id.
_FIRST, _LAST = "0", "~"


class RunIndex:
    def __init__(self, table: Table) -> None:
        self._table = table

    def newest_first(self, workspace: str, filters: Filters, page: Page) -> Iterator[Entry]:
        """Merged from all shards of one key. Each shard is read in pages of its share of what was asked for."""
        if _first(filters.since) > _last(filters.until, page.after):
            return iter(())  # DynamoDB refuses a BETWEEN that ends before it begins
        index, key = _fitting(workspace, filters)
        shards = [self._shard(index, f"{key}#{shard}", filters, page) for shard in range(items.SHARDS)]
        return heapq.merge(*shards, reverse=True)

    def _shard(self, index: str, key: str, filters: Filters, page: Page) -> Iterator[Entry]:
        sort = "attentionAt" if index == "attention" else "position"
        walk = self._table.walk(
            page_size=page.size // items.SHARDS + 1,
            IndexName=index,
            KeyConditionExpression="#key = :key AND #sort BETWEEN :first AND :last",
            ExpressionAttributeNames={"#key": index, "#sort": sort},
            ExpressionAttributeValues=to_item(
                {":key": key, ":first": _first(filters.since), ":last": _last(filters.until, page.after)}
            ),
            ScanIndexForward=False,
        )
        return (Entry(item[sort]["S"], items.run_id(item)) for item in walk if item[sort]["S"] != page.after)


def _fitting(workspace: str, filters: Filters) -> tuple[str, str]:
    if filters.status in (Status.FAILURE, Status.TIMEOUT):
        return "attention", f"FAILED#{workspace}"
    if filters.function_id is not None:
        return "byFunction", f"FN#{workspace}#{filters.function_id}"
    return "byWorkspace", f"WS#{workspace}"


def _first(since: datetime | None) -> str:
    return _FIRST if since is None else iso(since)


def _last(until: datetime | None, after: str | None) -> str:
    """The earlier of the end of the time asked for, and the end of the page before."""
    return min(_LAST if until is None else iso(until) + _LAST, after or _LAST)
