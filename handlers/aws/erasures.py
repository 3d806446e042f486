"""Erasures in the table: the mark on the run, what reminds the watchdog of it, and the deletion of sealed parts."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from handlers.aws import act_items, keys
from handlers.aws import run_items as items
from handlers.aws.due_index import due_pages
from handlers.aws.part_store import PartStore
from handlers.aws.run_attributes import milliseconds
from handlers.aws.table import SCHEMA, Item, Table, TransactionCanceled, key_of, readable_of, to_item
from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.clock import iso
from handlers.domain.runs.erase import FIRST_LOOK, Erasure
from handlers.domain.runs.run import FunctionRun

_PAGE = 100
_DUE = "ERASURES"


class Erasures:
    def __init__(self, table: Table, parts: PartStore, *, report: Callable[[Exception], None]) -> None:
        """`report` gets the error of each item that cannot be read."""
        self._table = table
        self._parts = parts
        self._report = report

    def begin(self, run: FunctionRun, act: Act) -> None:
        it_is_there_and_not_marked = "attribute_exists(pk) AND attribute_not_exists(erased)"
        mark = self._table.update_action(
            keys.run(run.id),
            UpdateExpression="SET erased = :at",
            ConditionExpression=it_is_there_and_not_marked,
            ExpressionAttributeValues=to_item({":at": milliseconds(act.at)}),
        )
        with suppress(TransactionCanceled):
            self._table.transact(
                {
                    "run": mark,
                    "reminder": self._table.put_action(_reminder(run.id, act.at, act.at + FIRST_LOOK)),
                    **act_items.put_actions(self._table, act),
                }
            )

    def delete_content(self, run_id: str) -> None:
        self._parts.delete_all(run_id)

    def due(self) -> Iterator[Erasure]:
        now = iso(clock.now())
        for page in due_pages(self._table, _DUE, before=now, size=_PAGE):
            found = self._table.get_many([key_of(entry) for entry in page]).values()
            yield from readable_of((each for each in found if each["dueAt"]["S"] < now), _erasure, self._report)

    def postpone(self, erasure: Erasure, until: datetime) -> None:
        self._table.put(_reminder(erasure.run_id, erasure.erased_at, until))

    def end(self, erasure: Erasure) -> None:
        self._table.delete(keys.erasure(erasure.run_id))


def _reminder(run_id: str, at: datetime, due: datetime) -> dict[str, Any]:
    return keys.erasure(run_id) | {"erasedAt": iso(at), "due": _DUE, "dueAt": iso(due), "schema": SCHEMA}


def _erasure(item: Item) -> Erasure:
    """Raises ValueError or LookupError."""
    return Erasure(items.run_id(item), datetime.fromisoformat(item["erasedAt"]["S"]))
