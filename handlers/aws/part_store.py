"""Sealed parts of runs: in the table, or, if they are large, in the bucket with an item that says where."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from handlers.aws import run_items as items
from handlers.aws.part_objects import PartLost, PartObjects
from handlers.aws.table import Item, Table, from_item, readable, to_item
from handlers.domain.runs.recording import SealedParts
from handlers.domain.runs.run import FunctionRun

# Of one item's 400 KB; content that was small enough to be kept here is somewhat larger when it is sealed.
MAX_SEALED_INLINE_BYTES = 360_000


T = TypeVar("T")


class StagedObject(NamedTuple):
    kept: str
    staged: str


class InlinePart(NamedTuple):
    sealed: bytes | None


class WrittenParts(NamedTuple):
    """The items of parts that are to be written in one transaction with their run."""

    items: list[dict[str, Any]]
    objects: list[StagedObject]
    """What has to be moved once they are written."""


class PartStore:
    def __init__(self, table: Table, objects: PartObjects, report: Callable[[Exception], None]) -> None:
        """`report` gets an error for each object that is lost and each part that cannot be read."""
        self._table = table
        self._objects = objects
        self._report = report

    def stage(self, run: FunctionRun, parts: SealedParts) -> WrittenParts:
        """Large parts are objects in the staging area from here on. Raises Unavailable."""
        written = WrittenParts([], [])
        for part, sealed in parts.items():
            if len(sealed) <= MAX_SEALED_INLINE_BYTES:
                written.items.append(items.of_part(run, part, sealed))
                continue
            where = StagedObject(items.object_key(run.id, part), self._objects.stage(sealed))
            written.items.extend(items.of_large_part(run, part, kept=where.kept, staged=where.staged))
            written.objects.append(where)
        return written

    def move(self, objects: list[StagedObject]) -> None:
        """To where they stay. One that is lost is reported: it will not open. Raises Unavailable."""
        for each in objects:
            try:
                self._objects.move(each.staged, each.kept)
            except PartLost as lost:
                self._report(lost)

    def move_all(self, run_id: str) -> None:
        """Raises Unavailable."""
        walk = self._table.walk(
            page_size=10,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :object)",
            ExpressionAttributeValues=to_item({":pk": f"RUN#{run_id}", ":object": items.OBJECT}),
            ConsistentRead=True,
        )
        self.move([StagedObject(each["object"]["S"], each["stagedAs"]["S"]) for each in walk])

    def content(self, item: Item) -> bytes | None:
        """What is sealed in a part's item, or in the object that it names; nothing that opens, if that is lost.

        None if the item has nothing in it. Raises Unavailable.
        """
        kept = readable(item, _kept, self._report)
        if kept is None:
            return b""
        if not isinstance(kept, StagedObject):
            return kept.sealed
        try:
            return self._objects.read(kept.kept, kept.staged)
        except PartLost as lost:
            self._report(lost)
            return b""


def _kept(item: Item) -> InlinePart | StagedObject:
    plain = from_item(item)
    if "object" in plain:
        return StagedObject(*_of_type(str, plain["object"], plain["stagedAs"]))
    return InlinePart(*_of_type(bytes, plain["sealed"])) if "sealed" in plain else InlinePart(None)


def _of_type(kind: type[T], *values: Any) -> tuple[T, ...]:
    """Raises TypeError."""
    if not all(isinstance(value, kind) for value in values):
        raise TypeError
    return values
