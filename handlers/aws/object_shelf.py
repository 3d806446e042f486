"""The entries of the table that remind of objects in the bucket, and when to look whether they have expired."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from handlers.aws import run_items as items
from handlers.aws.attention import attention_pages
from handlers.aws.table import ConditionFailed, Table, from_item, key_of, to_item
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.upkeep.housekeeping import KeptObject

_PAGE = 100


class ObjectShelf:
    def __init__(self, table: Table) -> None:
        self._table = table

    def due(self) -> Iterator[KeptObject]:
        now = iso(clock.now())
        for shard in range(items.SHARDS):
            for page in attention_pages(self._table, f"OBJECTS#{shard}", before=now, size=_PAGE):
                found = self._table.get_many([key_of(entry) for entry in page])
                for item in found.values():
                    part = item["sk"]["S"].removeprefix(items.OBJECT)
                    yield KeptObject(items.run_id(item), part, item["object"]["S"])

    def part_expires_at(self, kept: KeptObject) -> datetime | None:
        part = self._table.get({"pk": f"RUN#{kept.run_id}", "sk": f"SEALED#{kept.part}"})
        return None if part is None else datetime.fromtimestamp(int(from_item(part)["expiresAt"]), UTC)

    def remind(self, kept: KeptObject, at: datetime) -> None:
        attributes = items.object_attention(kept.run_id, int(at.timestamp()))
        with suppress(ConditionFailed):  # somebody else has taken it away: nothing comes back
            self._table.update(
                items.object_entry_key(kept.run_id, kept.part),
                UpdateExpression="SET attentionAt = :at",
                ConditionExpression="attribute_exists(pk)",
                ExpressionAttributeValues=to_item({":at": attributes["attentionAt"]}),
            )

    def forget(self, kept: KeptObject) -> None:
        self._table.delete(items.object_entry_key(kept.run_id, kept.part))
