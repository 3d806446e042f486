"""Runs, their sealed parts and their lineage, in the one table."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from handlers.aws import run_items as items
from handlers.aws.table import Cancelled, Table, from_item, to_item
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.errors import RerunLimitReached, RunNotFound, Unavailable
from handlers.domain.history import EdgePage
from handlers.domain.paging import Page
from handlers.domain.recording import RecordedRun, SealedParts
from handlers.domain.run import FunctionRun, Part

OVERDUE_PAGE = 100


class _Lifetimes(NamedTuple):
    """When an original and its parameters expire, in epoch seconds."""

    original: int
    parameters: int


class RunStore:
    def __init__(self, table: Table, *, max_reruns: int) -> None:
        self._table = table
        self._max_reruns = max_reruns

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        run_key, part_key = items.run_key(run_id), items.part_key(run_id, part)
        found = self._table.get_many([run_key, part_key])
        run = found.get((run_key["pk"], run_key["sk"]))
        sealed = found.get((part_key["pk"], part_key["sk"]))
        return RecordedRun(items.to_run(run), from_item(sealed)["sealed"] if sealed else None) if run else None

    def read_run(self, run_id: str) -> FunctionRun | None:
        item = self._table.get(items.run_key(run_id))
        return items.to_run(item) if item else None

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        """At most 100."""
        found = self._table.get_many([items.run_key(run_id) for run_id in run_ids])
        in_order = (found.get((f"RUN#{run_id}", "RUN")) for run_id in run_ids)
        return [items.to_run(item) for item in in_order if item is not None]

    def read_parts(self, run_id: str, parts: list[Part]) -> dict[Part, bytes]:
        found = self._table.get_many([items.part_key(run_id, part) for part in parts])
        return {
            part: from_item(item)["sealed"]
            for part in parts
            if (item := found.get((f"RUN#{run_id}", f"SEALED#{part}"))) is not None
        }

    def record(self, run: FunctionRun, parts: SealedParts) -> None:
        self._table.transact(self._new(run, parts))

    def record_rerun(self, run: FunctionRun, parts: SealedParts) -> None:
        written = [self._table.put_action(items.of_edge(run)), *self._new(run, parts)]
        try:
            self._table.transact([self._count_rerun(run), *written])
        except Cancelled as cancelled:
            original = self._rerunnable(cancelled.item(0))
            lifetimes = self._extend_parameters(run, original)
            try:
                self._table.transact([self._count_rerun(run, lifetimes), *written])
            except Cancelled as again:
                self._rerunnable(again.item(0))
                raise Unavailable from again

    def _count_rerun(self, run: FunctionRun, lifetimes: _Lifetimes | None = None) -> dict[str, Any]:
        """One more on the original, which from now on lives as long as this re-run: a lineage's newest expires last.

        Without `lifetimes` that is a condition. It fails once a day at most, or after retention was shortened.
        """
        conditions = ["attribute_exists(pk)", "expiresAt > :now", "rerunCount < :limit"]
        values = {":one": 1, ":limit": self._max_reruns, ":now": int(clock.now().timestamp())}
        update = "SET rerunCount = rerunCount + :one, expiresAt = :expires_at"
        if lifetimes is None:
            values[":expires_at"] = items.epoch(run)
            it_expires_before_us = "expiresAt <= :expires_at"
            its_parameters_outlive_us = "partsExpireAt >= :expires_at"
            conditions += [it_expires_before_us, its_parameters_outlive_us]
        else:
            values |= {":expires_at": lifetimes.original, ":parts": lifetimes.parameters}
            update += ", partsExpireAt = :parts"
        return self._table.update_action(
            items.run_key(run.lineage_id),
            UpdateExpression=update,
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

    def _extend_parameters(self, run: FunctionRun, original: dict[str, Any]) -> _Lifetimes:
        """When the original and its parameters are to expire: never before this re-run, nor earlier than they did."""
        expires_at = max(items.epoch(run), int(original["expiresAt"]))
        if original["partsExpireAt"] >= expires_at:
            return _Lifetimes(expires_at, int(original["partsExpireAt"]))
        lifetimes = _Lifetimes(expires_at, expires_at + items.PARTS_OUTLIVE_SECONDS)
        # Ahead of the transaction: should that fail, the parameters are kept for longer than need be, and no harm done.
        self._table.update(
            items.part_key(run.lineage_id, Part.PARAMETERS),
            UpdateExpression="SET expiresAt = :later",
            ConditionExpression="expiresAt < :later",
            ExpressionAttributeValues=to_item({":later": lifetimes.parameters}),
        )
        return lifetimes

    def transition(self, before: FunctionRun, after: FunctionRun, parts: SealedParts | None = None) -> bool:
        change = items.change(before, after)
        how = {
            "UpdateExpression": change.update,
            "ConditionExpression": change.condition,
            "ExpressionAttributeNames": change.names,
            "ExpressionAttributeValues": change.values,
        }
        if not parts:
            return self._table.update(items.run_key(after.id), **how)
        written = [self._table.put_action(items.of_part(after, part, sealed)) for part, sealed in parts.items()]
        try:
            self._table.transact([self._table.update_action(items.run_key(after.id), **how), *written])
        except Cancelled:
            return False
        return True

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
        edges = [from_item(item) for item in islice(walk, page.size + 1)]
        kept = edges[: page.size]
        last = kept[-1]["sk"].removeprefix("RERUN#") if len(edges) > page.size else None
        return EdgePage([edge["runId"] for edge in kept], last)

    def overdue(self) -> Iterator[FunctionRun]:
        now = iso(clock.now())
        for shard in range(items.SHARDS):
            walk = self._table.walk(
                page_size=OVERDUE_PAGE,
                IndexName="attention",
                KeyConditionExpression="attention = :open AND attentionAt < :now",
                ExpressionAttributeValues=to_item({":open": f"OPEN#{shard}", ":now": now}),
            )
            while page := list(islice(walk, OVERDUE_PAGE)):
                # The index is eventually consistent: the run itself says whether it is overdue still.
                runs = self.read_many([items.run_id(item) for item in page])
                yield from (run for run in runs if run.deadline is not None and iso(run.deadline) <= now)

    def _new(self, run: FunctionRun, parts: SealedParts) -> list[dict[str, Any]]:
        written = [items.of_run(run), *(items.of_part(run, part, sealed) for part, sealed in parts.items())]
        return [self._table.put_action(item) for item in written]
