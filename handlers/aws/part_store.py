"""Sealed parts of runs: in the table, or, if they are large, in the bucket with an item that says where."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from handlers.aws import keys
from handlers.aws import run_items as items
from handlers.aws.part_objects import PartLost, PartObjects
from handlers.aws.table import Item, Table, from_item, key_of, size_of, to_item
from handlers.domain.errors import Unavailable
from handlers.domain.runs.recording import SealedParts
from handlers.domain.runs.run import FunctionRun, Part

# Of one item's 400 KB; content that was small enough to be kept here is somewhat larger when it is sealed.
MAX_SEALED_INLINE_BYTES = 360_000
# One write unit. In a transaction each costs two: it pays only for an outcome that is as small as this.
MAX_ITEM_IN_TRANSACTION_BYTES = 1024


class StagedObject(NamedTuple):
    kept: str
    staged: str | None
    """None if it was put where it stays at once."""


class PartStore:
    def __init__(self, table: Table, objects: PartObjects, report: Callable[[Exception], None]) -> None:
        """`report` gets an error for each object that is lost or not deleted, and each part that cannot be read."""
        self._table = table
        self._objects = objects
        self._report = report

    def stage(
        self, run: FunctionRun, parts: SealedParts, *, inline: int
    ) -> tuple[dict[str, dict[str, Any]], list[StagedObject]]:
        """The items to be written in one transaction with the run, by names of their own; what is to be moved then.

        Parts of more than `inline` bytes are objects in the staging area from here on. Raises Unavailable.
        """
        new: dict[str, dict[str, Any]] = {}
        staged = []
        for part, sealed in parts.items():
            if len(sealed) <= inline:
                new[part] = items.of_part(run, part, sealed)
                continue
            where = StagedObject(items.object_key(run, part), self._objects.stage(sealed))
            item, entry = items.of_large_part(run, part, object=where.kept, stagedAs=where.staged or "")
            new |= {part: item, f"{part} entry": entry}
            staged.append(where)
        return new, staged

    def write_outcome(self, run: FunctionRun, sealed: bytes) -> dict[str, Any] | None:
        """The item of a small outcome, to be written in one transaction with its run; a larger one is written here.

        An outcome that no run names in the end expires with its run. Raises Unavailable.
        """
        if len(sealed) <= MAX_SEALED_INLINE_BYTES:
            item = items.of_part(run, Part.OUTCOME, sealed)
            if size_of(to_item(item)) <= MAX_ITEM_IN_TRANSACTION_BYTES:
                return item
        else:
            kept = items.object_key(run, Part.OUTCOME)
            item, entry = items.of_large_part(run, Part.OUTCOME, object=kept)
            # The entry first: there is never an object that nobody would delete.
            self._table.put(entry)
            self._objects.put(kept, sealed)
        self._table.put(item)
        return None

    def move(self, objects: list[StagedObject]) -> None:
        """To where they stay. One that is lost is reported: it will not open. Raises Unavailable."""
        for each in objects:
            try:
                if each.staged is not None:
                    self._objects.move(each.staged, each.kept)
            except PartLost as lost:
                self._report(lost)

    def move_all(self, run_id: str) -> None:
        """Raises Unavailable."""
        found = self._items(run_id, keys.OBJECT)
        self.move([StagedObject(each["object"]["S"], each["stagedAs"]["S"]) for each in found if "stagedAs" in each])

    def delete_outcome(self, run: FunctionRun) -> None:
        """That which `write_outcome` has written for this run, which is erased.

        Should that fail, the watchdog will do so: the run's end is worth more.
        """
        try:
            self._table.delete(items.part_key(run, Part.OUTCOME))
            self._objects.delete(items.object_key(run, Part.OUTCOME))
        except Unavailable as fault:
            self._report(fault)

    def delete_all(self, run_id: str) -> None:
        """What is sealed for the run at this moment. Its entries stay: they name an object before there is one.

        Housekeeping deletes them with the run. Raises Unavailable.
        """
        # Who reads a large part meanwhile and misses its object finds that the part is gone.
        for part in self._items(run_id, keys.SEALED):
            self._table.delete(key_of(part))
        for entry in self._items(run_id, keys.OBJECT):
            # What is staged first: what moves it meanwhile finds nothing, or is in time.
            for key in (each["S"] for name in ("stagedAs", "object") if (each := entry.get(name))):
                self._objects.delete(key)

    def _items(self, run_id: str, kind: str) -> Iterator[Item]:
        """Of this kind, without what is sealed in them."""
        return self._table.walk(
            page_size=10,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :kind)",
            ProjectionExpression="pk, sk, #object, stagedAs",
            ExpressionAttributeNames={"#object": "object"},
            ExpressionAttributeValues=to_item({":pk": f"RUN#{run_id}", ":kind": kind}),
            ConsistentRead=True,
        )

    def content(self, item: Item) -> bytes | None:
        """What is sealed in a part's item, or in the object that it names; nothing that opens, if that is lost.

        None if the item has nothing in it, or was erased since it was read. Raises Unavailable.
        """
        match {"stagedAs": ""} | from_item(item):
            case {"object": str(kept), "stagedAs": str(staged)}:
                try:
                    return self._objects.read(kept, staged or None)
                except PartLost as lost:
                    if not self._table.get_many([key_of(item)]):
                        return None
                    self._report(lost)
            case {"sealed": bytes(sealed)}:
                return sealed
            case {"object": _} | {"sealed": _}:
                self._report(TypeError("a sealed part of an unknown form"))
            case _:
                return None
        return b""
