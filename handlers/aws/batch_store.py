"""Batches of re-runs, in the one table."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from handlers.aws import act_items, keys, request_keys
from handlers.aws import batch_items as items
from handlers.aws.due_index import due_pages
from handlers.aws.run_index import RunIndex
from handlers.aws.run_recorder import started_before
from handlers.aws.table import ConditionFailed, Table, TransactionCanceled, from_item, key_of, readable_of, to_item
from handlers.aws.workspace_lists import newest_first
from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.batches.batch import Batch
from handlers.domain.batches.moving import AT_WORK_WITHIN
from handlers.domain.clock import iso
from handlers.domain.errors import Unavailable
from handlers.domain.paging import Page
from handlers.domain.runs.listing import Entry, Filters
from handlers.domain.starting.idempotency import SealedKey

_OVERDUE_PAGE, _AT_WORK_PAGE = 50, 1_000


class BatchStore:
    def __init__(self, table: Table, *, report: Callable[[Exception], None]) -> None:
        """`report` gets the error of each item that cannot be read where others can."""
        self._table = table
        self._report = report

    def create(
        self,
        batch: Batch,
        run_ids: Sequence[str],
        sealed_overrides: bytes | None = None,
        key: SealedKey | None = None,
        act: SealedAct | None = None,
    ) -> None:
        it_is_new = "attribute_not_exists(pk)"
        actions = {"batch": self._table.put_action(items.of_batch(batch), ConditionExpression=it_is_new)}
        if run_ids:
            actions["sources"] = self._table.put_action(items.of_sources(batch, run_ids))
        if sealed_overrides is not None:
            actions["overrides"] = self._table.put_action(items.of_overrides(batch, sealed_overrides))
        if key is not None:
            actions["request"] = request_keys.put_action(self._table, key, batch)
        actions |= act_items.put_actions(self._table, act)
        # One of this id can only be this one.
        with suppress(TransactionCanceled), started_before(key):
            self._table.transact(actions)

    def read(self, batch_id: str) -> Batch | None:
        item = self._table.get(keys.batch(batch_id))
        return items.to_batch(item) if item else None

    def replace(self, before: Batch, after: Batch, act: Act | None = None) -> bool:
        is_stored = self._replace(before, after, act)
        if is_stored and after.has_overrides and after.state.is_final and not after.needs_steps:
            self._delete_overrides(after)
        return is_stored

    def _delete_overrides(self, batch: Batch) -> None:
        """Nobody needs them any more. Should that fail, they expire."""
        try:
            self._table.delete(items.overrides_key(batch.id))
        except Unavailable as fault:
            self._report(fault)

    def _replace(self, before: Batch, after: Batch, act: Act | None) -> bool:
        item = items.of_batch(after)
        nobody_changed_it: dict[str, Any] = {
            "ConditionExpression": "rev = :seen",
            "ExpressionAttributeValues": to_item({":seen": before.revision or ""}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        if act is not None:
            batch = self._table.put_action(item, **nobody_changed_it)
            try:
                self._table.transact({"batch": batch, **act_items.put_actions(self._table, act)})
            except TransactionCanceled as canceled:
                return (canceled.item("batch") or {}).get("rev") == after.revision
            return True
        try:
            self._table.replace(item, **nobody_changed_it)
        except ConditionFailed as failed:
            # It fails on our own write, too, if the answer was lost and the SDK has asked again.
            return from_item(failed.item).get("rev") == after.revision
        return True

    def run_ids(self, batch_id: str) -> list[str]:
        item = self._table.get(keys.of_batch(batch_id, keys.SOURCES))
        return items.to_sources(item) if item else []

    def sealed_overrides(self, batch_id: str) -> bytes | None:
        item = self._table.get(items.overrides_key(batch_id))
        return None if item is None else bytes(from_item(item)["sealed"])

    def list_batches(self, workspace: str, page: Page) -> tuple[list[Batch], str | None]:
        found, position = newest_first(self._table, items.of_workspace(workspace), page)
        return list(readable_of(found, items.to_batch, self._report)), position

    def members(self, batch_id: str, page: Page) -> Iterator[Entry]:
        return RunIndex(self._table).newest_first("", Filters(batch_id=batch_id), page)

    def overdue(self) -> Iterator[Batch]:
        now = clock.now()
        for page in due_pages(self._table, items.DUE, before=iso(now), size=_OVERDUE_PAGE):
            found = self._table.get_many([key_of(entry) for entry in page])
            batches = readable_of(found.values(), items.to_batch, self._report)
            # The index is eventually consistent: the batch itself says whether it is due still.
            yield from (batch for batch in batches if batch.due_at is not None and batch.due_at <= now)

    def at_work(self) -> set[str]:
        pages = due_pages(self._table, items.DUE, before=iso(clock.now() + AT_WORK_WITHIN), size=_AT_WORK_PAGE)
        return {items.id_of(entry) for page in pages for entry in page}
