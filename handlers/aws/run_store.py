"""Runs, their sealed parts and their lineage, in the one table."""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any

from handlers.aws import act_items, keys, request_keys
from handlers.aws import run_items as items
from handlers.aws.due_index import due_pages
from handlers.aws.part_store import PartStore
from handlers.aws.table import ConditionFailed, Item, Table, TransactionCanceled, from_item, readable_of, to_item
from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.clock import iso
from handlers.domain.paging import Page
from handlers.domain.runs.history import EdgePage
from handlers.domain.runs.recording import RecordedRun
from handlers.domain.runs.run import FunctionRun, Part, Status
from handlers.domain.starting.idempotency import IdempotencyKey, KeptRequest

OVERDUE_PAGE = 100


class RunStore:
    def __init__(self, table: Table, parts: PartStore, report: Callable[[Exception], None]) -> None:
        """`report` receives what others can go on without: items that cannot be read, objects not moved yet."""
        self._table = table
        self._parts = parts
        self._report = report

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        return self.read_with_key(run_id, part, None)[0]

    def read_with_key(
        self, run_id: str, part: Part, key: IdempotencyKey | None
    ) -> tuple[RecordedRun | None, KeptRequest | None]:
        """`part` is one that is recorded with the run."""
        wanted = [keys.run(run_id), keys.part(run_id, part)]
        found = self._table.get_many([*wanted, request_keys.key_of(key)] if key else wanted)
        item = found.get(keys.pair(wanted[0]))
        recorded = None if item is None else self._recorded(self._with_notes([item])(item), part, found)
        return recorded, request_keys.to_kept(key, found)

    def read_run(self, run_id: str) -> FunctionRun | None:
        item = self._table.get(keys.run(run_id))
        if item is None:
            return None
        return items.to_run(item, self._table.get(keys.of_run(run_id, keys.NOTES)) if items.has_notes(item) else None)

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        """What cannot be read, written by a newer release perhaps, is reported and left out."""
        wanted = [keys.run(run_id) for run_id in dict.fromkeys(run_ids)]
        found = self._table.get_many(wanted)
        in_order = [found[key] for each in wanted if (key := keys.pair(each)) in found]
        return list(readable_of(in_order, self._with_notes(in_order), self._report))

    def read_recorded(self, run_ids: Sequence[str], part: Part) -> list[RecordedRun]:
        """What cannot be read is reported and left out."""
        distinct = dict.fromkeys(run_ids)
        found = self._table.get_many([key for each in distinct for key in (keys.run(each), keys.part(each, part))])
        in_order = [item for each in run_ids if (item := found.get(keys.pair(keys.run(each)))) is not None]
        to_run = self._with_notes(in_order)
        return list(readable_of(in_order, lambda item: self._recorded(to_run(item), part, found), self._report))

    def _recorded(self, run: FunctionRun, part: Part, found: dict[tuple[str, str], Item]) -> RecordedRun:
        sealed = found.get(keys.pair(keys.part(run.id, part)))
        return RecordedRun(run, lambda: None if sealed is None else self._parts.content(sealed))

    def _with_notes(self, runs: list[Item]) -> Callable[[Item], FunctionRun]:
        """Makes runs of these items: with the notes of those, few if any, that have such an item of their own."""
        wanted = [keys.of_run(items.run_id(each), keys.NOTES) for each in runs if items.has_notes(each)]
        found = self._table.get_many(wanted)
        return lambda item: items.to_run(item, found.get(keys.pair(keys.of_run(items.run_id(item), keys.NOTES))))

    def read_parts(self, run: FunctionRun, parts: Iterable[Part]) -> dict[Part, bytes]:
        wanted = {part: items.part_key(run, part) for part in parts}
        found = self._table.get_many(list(wanted.values()))
        return {
            part: content
            for part, key in wanted.items()
            if (item := found.get(keys.pair(key))) is not None and (content := self._parts.content(item)) is not None
        }

    def transition(
        self, before: FunctionRun, after: FunctionRun, outcome: bytes | None = None, act: Act | None = None
    ) -> bool:
        """A small outcome is written in one transaction with the run. A larger one is written first: that is cheaper.

        It has a name of its own, and counts once the run names it.
        """
        part = None if outcome is None else self._parts.write_outcome(after, outcome)
        is_ahead = before.deadline is not None and before.deadline > clock.now()
        # What is overdue is found in every pass until it is put elsewhere; but an execution that begins may soon end.
        return self._moved(before, after, part, act, keeps_due=is_ahead or after.status is Status.RUNNING)

    def _moved(
        self,
        before: FunctionRun,
        after: FunctionRun,
        part: dict[str, Any] | None = None,
        act: Act | None = None,
        *,
        keeps_due: bool,
    ) -> bool:
        key, change = keys.run(after.id), items.change(before, after, keeps_due=keeps_due)
        try:
            beside = {} if part is None else {"outcome": self._table.put_action(part)}
            beside |= act_items.put_actions(self._table, act)
            if beside:
                self._table.transact({**beside, "run": self._table.update_action(key, **change)})
            else:
                self._table.update(key, **change)
        except (ConditionFailed, TransactionCanceled) as failed:
            stored = failed.item("run") if isinstance(failed, TransactionCanceled) else from_item(failed.item)
            if not stored or items.is_stored(stored, before, after):
                return bool(stored)
            if (marked := items.marked_meanwhile(stored, before, after)) is not None:
                if items.names_outcome(before, after) and not items.names_outcome(*marked):
                    if part is None:
                        self._parts.delete_outcome(after)  # it was written first
                    part = None
                return self._moved(*marked, part, act, keeps_due=keeps_due)
            is_looked_at_too_late = keeps_due and items.is_unmoved(stored, before, after)
            return is_looked_at_too_late and self._moved(before, after, part, act, keeps_due=False)
        return True

    def mark_recovered(self, rerun: FunctionRun) -> None:
        with suppress(ConditionFailed):
            self._table.update(keys.run(rerun.lineage_id), **items.recovery(rerun))

    def move_staged(self, run: FunctionRun) -> FunctionRun:
        """The run once its parts are where they stay. Raises Unavailable."""
        if run.erased_at is None:
            self._parts.move_all(run.id)
        moved = run.moved(staged=False)
        # If it has moved on meanwhile, the next conditional write fails.
        self.transition(run, moved)
        return moved

    def edges(self, original_run_id: str, page: Page) -> EdgePage:
        walk = self._table.walk(
            # One more than requested: if it is there, there is a next page.
            page_size=page.size + 1,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {
                    ":pk": f"RUN#{original_run_id}",
                    # BETWEEN includes its bounds: "!" is the first character that an id cannot continue with.
                    ":first": f"{keys.RERUN}{page.after}!" if page.after else keys.RERUN,
                    ":last": f"{keys.RERUN}~",
                }
            ),
            ConsistentRead=True,
        )
        edges = list(islice(walk, page.size + 1))
        kept = edges[: page.size]
        last = kept[-1]["sk"]["S"].removeprefix(keys.RERUN) if len(edges) > page.size else None
        return EdgePage(list(readable_of(kept, items.rerun_id, self._report)), last)

    def newest_edges(self, original_run_id: str, size: int) -> list[str]:
        walk = self._table.walk(
            page_size=size,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :edge)",
            ExpressionAttributeValues=to_item({":pk": f"RUN#{original_run_id}", ":edge": keys.RERUN}),
            ScanIndexForward=False,
            ConsistentRead=True,
        )
        return list(readable_of(islice(walk, size), items.rerun_id, self._report))

    def overdue(self) -> Iterator[FunctionRun]:
        now = clock.now()
        # In another order each time: a pass that has no time for all of them does not leave out the same ones.
        for shard in random.sample(range(items.SHARDS), items.SHARDS):
            for page in due_pages(self._table, f"OPEN#{shard}", before=iso(now), size=OVERDUE_PAGE):
                runs = self.read_many([items.run_id(item) for item in page])
                yield from (run for run in runs if run.deadline is not None)

    def reschedule(self, run: FunctionRun) -> None:
        self._moved(run, run, keeps_due=False)
