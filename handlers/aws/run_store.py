"""Runs, their sealed parts and their lineage, in the one table."""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

from handlers.aws import request_keys
from handlers.aws import run_items as items
from handlers.aws.attention import attention_pages
from handlers.aws.part_store import PartStore, StagedObject
from handlers.aws.table import ConditionFailed, Item, Key, Table, TransactionCanceled, readable_of, to_item
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.errors import RerunLimitReached, RunNotFound, Unavailable
from handlers.domain.paging import Page
from handlers.domain.runs.due import pending_deadline
from handlers.domain.runs.history import EdgePage
from handlers.domain.runs.recording import RecordedRun, SealedParts
from handlers.domain.runs.run import FunctionRun, Part
from handlers.domain.starting.idempotency import AlreadyStarted, IdempotencyKey, KeptRequest, SealedKey

OVERDUE_PAGE = 100
_ATTEMPTS = 4


class RunStore:
    def __init__(self, table: Table, parts: PartStore, *, max_reruns: int, report: Callable[[Exception], None]) -> None:
        """`report` is told of what others can go on without: items that cannot be read, objects not moved yet."""
        self._table = table
        self._parts = parts
        self._max_reruns = max_reruns
        self._report = report

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        return self.read_with_key(run_id, part, None)[0]

    def read_with_key(
        self, run_id: str, part: Part, key: IdempotencyKey | None
    ) -> tuple[RecordedRun | None, KeptRequest | None]:
        wanted = [items.run_key(run_id), items.part_key(run_id, part)]
        found = self._table.get_many([*wanted, request_keys.key_of(key)] if key else wanted)
        return self._recorded(run_id, part, found), request_keys.to_kept(key, found)

    def _recorded(self, run_id: str, part: Part, found: dict[tuple[str, str], Item]) -> RecordedRun | None:
        run, sealed = (found.get((f"RUN#{run_id}", sort)) for sort in ("RUN", f"SEALED#{part}"))
        if run is None:
            return None
        return RecordedRun(items.to_run(run), lambda: None if sealed is None else self._parts.content(sealed))

    def read_run(self, run_id: str) -> FunctionRun | None:
        item = self._table.get(items.run_key(run_id))
        return items.to_run(item) if item else None

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        """At most 100. What cannot be read, written by a newer release perhaps, is reported and left out."""
        run_ids = list(dict.fromkeys(run_ids))
        found = self._table.get_many([items.run_key(run_id) for run_id in run_ids])
        in_order = (found[key] for run_id in run_ids if (key := (f"RUN#{run_id}", "RUN")) in found)
        return list(readable_of(in_order, items.to_run, self._report))

    def read_parts(self, run_id: str, parts: list[Part]) -> dict[Part, bytes]:
        found = self._table.get_many([items.part_key(run_id, part) for part in parts])
        return {
            part: content
            for part in parts
            if (item := found.get((f"RUN#{run_id}", f"SEALED#{part}"))) is not None
            and (content := self._parts.content(item)) is not None
        }

    def record(self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None) -> bool:
        new = self._new(run, parts, key)
        try:
            self._table.transact(new.actions)
        except TransactionCanceled as canceled:
            new.raise_if_started(canceled)
            return False
        self._move(new.objects, new.stored, run)
        return True

    def record_rerun(self, run: FunctionRun, parts: SealedParts, key: SealedKey | None = None) -> bool:
        new = self._new(run, parts, key, self._table.put_action(items.of_edge(run)))
        expires_at = items.epoch(run)
        for _ in range(_ATTEMPTS):
            try:
                self._table.transact([*new.actions, self._count_rerun(run, expires_at)])
            except TransactionCanceled as canceled:
                new.raise_if_started(canceled)
                if canceled.failed(0):
                    return False
                original = self._rerunnable(canceled.item(len(new.actions)))
                expires_at = max(expires_at, int(original["expiresAt"]))
                if original["partsExpireAt"] < expires_at:
                    self._extend_parameters(run.lineage_id, expires_at + items.PARTS_OUTLIVE_SECONDS)
            else:
                self._move(new.objects, new.stored, run)
                return True
        raise Unavailable

    def _count_rerun(self, run: FunctionRun, expires_at: int) -> dict[str, Any]:
        """One more on the original, which from now on lives as long as this re-run: a lineage's newest expires last."""
        the_original_lives = "attribute_exists(pk) AND expiresAt > :now"
        it_may_be_rerun = "rerunCount < :limit"
        no_life_is_shortened = "expiresAt <= :expires_at"
        its_parameters_outlive_it = "partsExpireAt >= :expires_at"
        conditions = [the_original_lives, it_may_be_rerun, no_life_is_shortened, its_parameters_outlive_it]
        values = {
            ":one": 1,
            ":limit": self._max_reruns,
            ":now": int(clock.now().timestamp()),
            ":expires_at": expires_at,
        }
        return self._table.update_action(
            items.run_key(run.lineage_id),
            UpdateExpression="SET rerunCount = rerunCount + :one, expiresAt = :expires_at",
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeValues=to_item(values),
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )

    def _rerunnable(self, original: dict[str, Any] | None) -> dict[str, Any]:
        if original is None or original["expiresAt"] <= clock.now().timestamp():
            raise RunNotFound
        if original["rerunCount"] >= self._max_reruns:
            raise RerunLimitReached(self._max_reruns)
        return original

    def _extend_parameters(self, original_run_id: str, until: int) -> None:
        """Let an original's parameters live on, once a day at most.

        Ahead of the transaction: should that fail, they are kept for longer than need be, and no harm is done.
        """
        for key, expiry in (
            (items.part_key(original_run_id, Part.PARAMETERS), "expiresAt"),
            (items.run_key(original_run_id), "partsExpireAt"),
        ):
            with suppress(ConditionFailed):  # somebody else has let them live as long
                self._table.update(
                    key,
                    UpdateExpression=f"SET {expiry} = :until",
                    ConditionExpression=f"{expiry} < :until",
                    ExpressionAttributeValues=to_item({":until": until}),
                )

    def transition(self, before: FunctionRun, after: FunctionRun, parts: SealedParts | None = None) -> bool:
        written = self._parts.stage(after, parts or {})
        stored = after.evolve(staged=True) if written.objects else after
        change = items.change(before, stored)
        options = {
            "UpdateExpression": change.update,
            "ConditionExpression": change.condition,
            "ExpressionAttributeNames": change.names,
            "ExpressionAttributeValues": change.values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        key = items.run_key(after.id)
        if not written.items:
            return self._update(key, after, options)
        puts = [self._table.put_action(item) for item in written.items]
        try:
            self._table.transact([self._table.update_action(key, **options), *puts])
        except TransactionCanceled:
            return False
        self._move(written.objects, stored, after)
        return True

    def _update(self, key: Key, after: FunctionRun, options: dict[str, Any]) -> bool:
        try:
            self._table.update(key, **options)
        except ConditionFailed as failed:
            # It fails on our own write too, if the answer was lost and the SDK asked again.
            return items.claims_alike(failed.item, after)
        return True

    def move_staged(self, run: FunctionRun) -> FunctionRun:
        """The run once its parts are where they stay. Raises Unavailable."""
        self._parts.move_all(run.id)
        moved = run.evolve(staged=False)
        # If it has moved on meanwhile, whoever goes on from here will notice.
        self.transition(run, moved)
        return moved

    def _move(self, objects: list[StagedObject], stored: FunctionRun, run: FunctionRun) -> None:
        """What was staged is recorded now: move it. Should that fail, the watchdog will do so."""
        if not objects:
            return
        try:
            self._parts.move(objects)
            self.transition(stored, run)
        except Unavailable as fault:
            self._report(fault)

    def edges(self, original_run_id: str, page: Page) -> EdgePage:
        walk = self._table.walk(
            # One more than asked for tells whether there is a next page.
            page_size=page.size + 1,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {
                    ":pk": f"RUN#{original_run_id}",
                    # BETWEEN includes its bounds: "!" is the first character that an id cannot continue with.
                    ":first": f"RERUN#{page.after}!" if page.after else "RERUN#",
                    ":last": "RERUN#~",
                }
            ),
            ConsistentRead=True,
        )
        edges = list(islice(walk, page.size + 1))
        kept = edges[: page.size]
        last = kept[-1]["sk"]["S"].removeprefix("RERUN#") if len(edges) > page.size else None
        return EdgePage(list(readable_of(kept, items.rerun_id, self._report)), last)

    def overdue(self) -> Iterator[FunctionRun]:
        now = iso(clock.now())
        # In another order each time: a pass that has no time for all of them does not leave out the same ones.
        for shard in random.sample(range(items.SHARDS), items.SHARDS):
            for page in attention_pages(self._table, f"OPEN#{shard}", before=now, size=OVERDUE_PAGE):
                runs = self.read_many([items.run_id(item) for item in page])
                yield from (run for run in runs if run.deadline is not None and iso(run.deadline) <= now)

    def _new(self, run: FunctionRun, parts: SealedParts, key: SealedKey | None, *more: dict[str, Any]) -> "_New":
        """What records a run: itself first, last what is kept of its request."""
        written = self._parts.stage(run, parts)
        stored = run
        if written.objects:
            # However late it is due: what was staged must be moved within a day.
            soon = pending_deadline(clock.now())
            stored = run.evolve(staged=True, deadline=min(run.deadline or soon, soon))
        it_is_new = "attribute_not_exists(pk)"
        puts = [
            self._table.put_action(item, ConditionExpression=it_is_new)
            for item in (items.of_run(stored), *written.items)
        ]
        kept = [] if key is None else [request_keys.put_action(self._table, key, run)]
        return _New([*puts, *more, *kept], stored, written.objects, key)


class _New(NamedTuple):
    """A run that is to be recorded."""

    actions: list[dict[str, Any]]
    stored: FunctionRun
    objects: list[StagedObject]
    key: SealedKey | None = None

    def raise_if_started(self, canceled: TransactionCanceled) -> None:
        kept_at = len(self.actions) - 1
        if self.key is not None and canceled.failed(kept_at):
            raise AlreadyStarted(request_keys.of_plain(self.key.key, canceled.item(kept_at) or {})) from canceled
