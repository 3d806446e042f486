"""The entries of the table for objects in the bucket: when to look whether they have expired."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from handlers.aws import keys
from handlers.aws import run_items as items
from handlers.aws.due_index import due_pages
from handlers.aws.table import ConditionFailed, Item, Table, from_item, key_of, readable_of, to_item
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.upkeep.housekeeping import KeptObject

_PAGE = 100


class ObjectExpiryIndex:
    def __init__(self, table: Table, *, report: Callable[[Exception], None]) -> None:
        """`report` gets the error of each entry that cannot be read; its object stays."""
        self._table = table
        self._report = report

    def due(self) -> Iterator[KeptObject]:
        now = iso(clock.now())
        for shard in range(items.SHARDS):
            for page in due_pages(self._table, f"OBJECTS#{shard}", before=now, size=_PAGE):
                found = self._table.get_many([key_of(entry) for entry in page])
                yield from readable_of(found.values(), _kept, self._report)

    def part_expires_at(self, kept: KeptObject) -> datetime | None:
        part = self._table.get(keys.part(kept.run_id, kept.part))
        return None if part is None else datetime.fromtimestamp(int(from_item(part)["expiresAt"]), UTC)

    def reschedule(self, kept: KeptObject, at: datetime) -> None:
        with suppress(ConditionFailed):  # somebody else has taken it away: nothing comes back
            self._table.update(
                keys.object_entry(kept.run_id, kept.part),
                UpdateExpression="SET dueAt = :at",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item({":at": iso(at)}),
            )

    def remove(self, kept: KeptObject) -> None:
        self._table.delete(keys.object_entry(kept.run_id, kept.part))


def _kept(item: Item) -> KeptObject:
    return KeptObject(items.run_id(item), item["sk"]["S"].removeprefix(keys.OBJECT), item["object"]["S"])
