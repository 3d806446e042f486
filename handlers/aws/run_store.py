"""Runs, their sealed parts and their lineage, in the one table."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from handlers.aws import run_items as items
from handlers.aws.attention import attention_pages
from handlers.aws.table import Cancelled, Table, from_item, readable, to_item
from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.errors import RerunLimitReached, RunNotFound, Unavailable
from handlers.domain.history import EdgePage
from handlers.domain.paging import Page
from handlers.domain.recording import RecordedRun, SealedParts
from handlers.domain.run import FunctionRun, Part

OVERDUE_PAGE = 100
_ATTEMPTS = 4


class RunStore:
    def __init__(self, table: Table, *, max_reruns: int, report: Callable[[Exception], None]) -> None:
        """`report` is told of items that cannot be read where others can go on without them."""
        self._table = table
        self._max_reruns = max_reruns
        self._report = report

    def read(self, run_id: str, part: Part) -> RecordedRun | None:
        run_key, part_key = items.run_key(run_id), items.part_key(run_id, part)
        found = self._table.get_many([run_key, part_key])
        run = found.get((run_key["pk"], run_key["sk"]))
        sealed = found.get((part_key["pk"], part_key["sk"]))
        return RecordedRun(items.to_run(run), from_item(sealed).get("sealed") if sealed else None) if run else None

    def read_run(self, run_id: str) -> FunctionRun | None:
        item = self._table.get(items.run_key(run_id))
        return items.to_run(item) if item else None

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        """At most 100. What cannot be read, written by a newer release perhaps, is reported and left out."""
        run_ids = list(dict.fromkeys(run_ids))
        found = self._table.get_many([items.run_key(run_id) for run_id in run_ids])
        in_order = (found.get((f"RUN#{run_id}", "RUN")) for run_id in run_ids)
        runs = (readable(item, items.to_run, self._report) for item in in_order if item is not None)
        return [run for run in runs if run is not None]

    def read_parts(self, run_id: str, parts: list[Part]) -> dict[Part, bytes]:
        found = self._table.get_many([items.part_key(run_id, part) for part in parts])
        return {
            part: from_item(item)["sealed"]
            for part in parts
            if (item := found.get((f"RUN#{run_id}", f"SEALED#{part}"))) is not None and "sealed" in item
        }

    def record(self, run: FunctionRun, parts: SealedParts) -> bool:
        try:
            self._table.transact(self._new(run, parts))
        except Cancelled:
            return False
        return True

    def record_rerun(self, run: FunctionRun, parts: SealedParts) -> bool:
        written = [*self._new(run, parts), self._table.put_action(items.of_edge(run))]
        expires_at = items.epoch(run)
        for _ in range(_ATTEMPTS):
            try:
                self._table.transact([self._count_rerun(run, expires_at), *written])
            except Cancelled as cancelled:
                if cancelled.failed(1):
                    return False
                original = self._rerunnable(cancelled.item(0))
                expires_at = max(expires_at, int(original["expiresAt"]))
                if original["partsExpireAt"] < expires_at:
                    self._extend_parameters(run.lineage_id, expires_at + items.PARTS_OUTLIVE_SECONDS)
            else:
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
            self._table.update(
                key,
                UpdateExpression=f"SET {expiry} = :until",
                ConditionExpression=f"{expiry} < :until",
                ExpressionAttributeValues=to_item({":until": until}),
            )

    def transition(self, before: FunctionRun, after: FunctionRun, parts: SealedParts | None = None) -> bool:
        change = items.change(before, after)
        how = {
            "UpdateExpression": change.update,
            "ConditionExpression": change.condition,
            "ExpressionAttributeNames": change.names,
            "ExpressionAttributeValues": change.values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        key = items.run_key(after.id)
        if not parts:
            found = self._table.update(key, **how)
            # The condition fails on our own write too, if its answer was lost and the SDK asked again.
            return found is None or items.claims_alike(found, after)
        written = [self._table.put_action(items.of_part(after, part, sealed)) for part, sealed in parts.items()]
        try:
            self._table.transact([self._table.update_action(key, **how), *written])
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
            for page in attention_pages(self._table, f"OPEN#{shard}", before=now, size=OVERDUE_PAGE):
                runs = self.read_many([items.run_id(item) for item in page])
                yield from (run for run in runs if run.deadline is not None and iso(run.deadline) <= now)

    def _new(self, run: FunctionRun, parts: SealedParts) -> list[dict[str, Any]]:
        written = [items.of_run(run), *(items.of_part(run, part, sealed) for part, sealed in parts.items())]
        it_is_new = "attribute_not_exists(pk)"
        return [self._table.put_action(item, ConditionExpression=it_is_new) for item in written]
