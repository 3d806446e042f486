"""Runs in time order, from the index that fits what is asked for best."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from handlers.aws import keys
from handlers.aws import run_items as items
from handlers.aws.table import Table, to_item
from handlers.domain.clock import iso
from handlers.domain.paging import Page
from handlers.domain.runs.listing import Entry, Filters

# Before every moment, and after.
_FIRST, _LAST = "0", "~"


class RunIndex:
    def __init__(self, table: Table) -> None:
        self._table = table

    def newest_first(self, workspace: str, filters: Filters, page: Page) -> Iterator[Entry]:
        """Merged from all shards of one key. Each shard is read in pages of its share of what was asked for."""
        if _first(filters.since) > _last(filters.until, page.after):
            return iter(())  # DynamoDB refuses a BETWEEN that ends before it begins
        index = _fitting(workspace, filters)
        shards = [self._shard(index, shard, filters, page) for shard in range(items.SHARDS)]
        return heapq.merge(*shards, reverse=True)

    def _shard(self, index: "_Index", shard: int, filters: Filters, page: Page) -> Iterator[Entry]:
        walk = self._table.walk(
            page_size=page.size // items.SHARDS + 1,
            IndexName=index.name,
            KeyConditionExpression="#key = :key AND #sort BETWEEN :first AND :last",
            ExpressionAttributeNames={"#key": index.partition, "#sort": index.sort},
            ExpressionAttributeValues=to_item(
                {
                    ":key": f"{index.key}#{shard}",
                    ":first": _first(filters.since),
                    ":last": _last(filters.until, page.after),
                }
            ),
            ScanIndexForward=False,
        )
        # Those of one millisecond come in no order.
        for moment, entries in groupby(walk, lambda item: str(item[index.sort]["S"])):
            ids = sorted(map(items.run_id, entries), reverse=True)
            found = (Entry(f"{moment}#{run_id}", run_id) for run_id in ids)
            yield from (entry for entry in found if page.after is None or entry.position < page.after)


class _Index(NamedTuple):
    name: str
    partition: str
    sort: str
    key: str


def _fitting(workspace: str, filters: Filters) -> _Index:
    if filters.batch_id is not None:
        return _Index("batch", "batch", "position", keys.batch(filters.batch_id)["pk"])
    if filters.error_group_id is not None:
        group = items.error_group(workspace, filters.error_group_id)
        index = ("errorGroup", "unrecoveredAt") if filters.recovered is False else ("groupFailures", "failedAt")
        return _Index(index[0], "errorGroup", index[1], group)
    if filters.recovered is False:
        return _Index("unrecovered", "byWorkspace", "unrecoveredAt", f"WS#{workspace}")
    if filters.recovered or (filters.status is not None and filters.status.is_failed):
        return _Index("failures", "byWorkspace", "failedAt", f"WS#{workspace}")
    if filters.function_id is not None:
        return _Index("byFunction", "byFunction", "position", f"FN#{workspace}#{filters.function_id}")
    return _Index("byWorkspace", "byWorkspace", "position", f"WS#{workspace}")


def _first(since: datetime | None) -> str:
    return _FIRST if since is None else iso(since)


def _last(until: datetime | None, after: str | None) -> str:
    """The earlier of the end of the time asked for, and the moment at which the page before ended."""
    return min(_LAST if until is None else iso(until), _LAST if after is None else after.partition("#")[0])
