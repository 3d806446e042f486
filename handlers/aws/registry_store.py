"""Compute functions and function triggers, in the one table."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from handlers.aws import act_items, capture_entries, keys, request_keys
from handlers.aws import registry_items as items
from handlers.aws.due_index import due_pages
from handlers.aws.table import (
    ConditionFailed,
    Table,
    TransactionCanceled,
    from_item,
    key_of,
    readable,
    readable_of,
    to_item,
)
from handlers.aws.workspace_lists import newest_first
from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.clock import iso
from handlers.domain.errors import Stale
from handlers.domain.paging import Page
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, Registered, StoredTrigger
from handlers.domain.starting.captures import CapturingFunction, Registration
from handlers.domain.starting.idempotency import IdempotencyKey, KeptRequest

UNFINISHED_PAGE = 50
# Of a batch's 100 keys: functions with their triggers.
PAIRS = 50


class RegistryStore:
    def __init__(self, table: Table, *, report: Callable[[Exception], None]) -> None:
        """`report` receives the errors of items that cannot be read where others can go on without them."""
        self._table = table
        self._report = report

    def read_function(self, function_id: str) -> ComputeFunction | None:
        item = self._table.get(keys.registered("function", function_id))
        return items.to_function(item) if item else None

    def read_trigger(self, trigger_id: str) -> StoredTrigger | None:
        item = self._table.get(keys.registered("trigger", trigger_id))
        return items.to_trigger(item) if item else None

    def read_trigger_with_key(
        self, trigger_id: str, key: IdempotencyKey | None
    ) -> tuple[StoredTrigger | None, KeptRequest | None]:
        if key is None:
            return self.read_trigger(trigger_id), None
        wanted = keys.registered("trigger", trigger_id)
        found = self._table.get_many([wanted, request_keys.key_of(key)])
        item = found.get(keys.pair(wanted))
        return items.to_trigger(item) if item else None, request_keys.to_kept(key, found)

    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]:
        stored, function = self._read_both(trigger_id, function_id)
        return stored.trigger if stored else None, function

    def read_pairs(self, ids: Sequence[tuple[str, str]]) -> list[tuple[FunctionTrigger | None, ComputeFunction | None]]:
        wanted = [
            (keys.registered("trigger", trigger), keys.registered("function", function)) for trigger, function in ids
        ]
        # Most runs of a batch share both, and DynamoDB refuses a key that is there twice.
        distinct = {keys.pair(key): key for pair in wanted for key in pair}
        found = self._table.get_many(list(distinct.values()))

        def both(trigger: keys.Key, function: keys.Key) -> tuple[FunctionTrigger | None, ComputeFunction | None]:
            of_trigger, of_function = found.get(keys.pair(trigger)), found.get(keys.pair(function))
            return (
                items.to_trigger(of_trigger).trigger if of_trigger else None,
                items.to_function(of_function) if of_function else None,
            )

        return [both(*pair) for pair in wanted]

    def read_trigger_with_function(self, trigger_id: str) -> tuple[StoredTrigger, ComputeFunction | None] | None:
        stored = self.read_trigger(trigger_id)
        return None if stored is None else (stored, self.read_function(stored.trigger.function_id))

    def read_webhook(self, workspace: str, path: str) -> tuple[StoredTrigger, ComputeFunction | None] | None:
        claim = self._table.get(keys.path(workspace, path))
        if claim is None:
            return None
        stored, function = self._read_both(claim["ownerId"]["S"], claim["functionId"]["S"])
        return None if stored is None else (stored, function)

    def registrations(self, base_function_arn: str) -> list[Registration]:
        return capture_entries.read(self._table, base_function_arn, self._report)

    def read_capturing(self, registrations: Sequence[Registration]) -> CapturingFunction | None:
        best, others = registrations[:1], registrations[1:]
        batches = [best, *(others[start : start + PAIRS] for start in range(0, len(others), PAIRS))]
        found = (capturing for batch in batches for capturing in self._capturing(batch))
        return next(found, None)

    def _capturing(self, registrations: Sequence[Registration]) -> Iterator[CapturingFunction]:
        pairs = [
            (keys.registered("function", each.function_id), keys.registered("trigger", each.trigger_id))
            for each in registrations
        ]
        found = self._table.get_many([key for pair in pairs for key in pair])
        for pair in pairs:
            of_function, of_trigger = (found.get(keys.pair(key)) for key in pair)
            function = readable(of_function, items.to_function, self._report) if of_function else None
            stored = readable(of_trigger, items.to_trigger, self._report) if of_trigger else None
            if function and function.capture_failures and stored and stored.trigger.confirmed:
                yield CapturingFunction(function, stored.trigger)

    def _read_both(self, trigger_id: str, function_id: str) -> tuple[StoredTrigger | None, ComputeFunction | None]:
        wanted = keys.registered("trigger", trigger_id), keys.registered("function", function_id)
        found = self._table.get_many(wanted)
        trigger, function = (found.get(keys.pair(key)) for key in wanted)
        return items.to_trigger(trigger) if trigger else None, items.to_function(function) if function else None

    def add_function(self, function: ComputeFunction, act: Act | None = None) -> None:
        self._write(None, function, items.of_function(function), act)

    def add_trigger(self, trigger: StoredTrigger, act: Act | None = None) -> None:
        self._write(None, trigger.trigger, items.of_trigger(trigger), act)

    def change_function(self, before: ComputeFunction, after: ComputeFunction, act: Act | None = None) -> None:
        self._write(before, after, items.of_function(after), act)

    def change_trigger(self, before: FunctionTrigger, after: StoredTrigger, act: Act | None = None) -> None:
        self._write(before, after.trigger, items.of_trigger(after), act)

    def lock_trigger(self, before: FunctionTrigger, until: datetime) -> FunctionTrigger:
        attributes = {"lockedUntil": iso(until), **items.due(until)}
        try:
            self._table.update(
                keys.registered("trigger", before.id),
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in attributes),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_as_it_was(before, **{f":{name}": value for name, value in attributes.items()}),
            )
        except ConditionFailed as failed:
            # It fails on our own write too, if the answer was lost and the SDK asked again.
            if from_item(failed.item).get("lockedUntil") != iso(until):
                raise Stale from None
        return before.evolve(locked_until=until)

    def unfinished_triggers(self) -> Iterator[StoredTrigger]:
        for page in due_pages(self._table, items.UNFINISHED, before=iso(clock.now()), size=UNFINISHED_PAGE):
            found = self._table.get_many([key_of(entry) for entry in page])
            triggers = readable_of(found.values(), items.to_trigger, self._report)
            # The index is eventually consistent: the trigger itself says whether it is unfinished still.
            yield from (
                each for each in triggers if each.trigger.locked_until and each.trigger.locked_until < clock.now()
            )

    def delete(self, found: ComputeFunction | FunctionTrigger, act: Act | None = None) -> None:
        """Gone, with all that was its own. Raises Stale if it has changed: what it claims now is not what it did."""
        key = keys.registered(found.kind, found.id)
        actions = {
            "itself": self._table.delete_action(key, **_as_it_was(found)),
            **{on: self._free(claim, found) for on, claim in items.claims(found).items()},
            **capture_entries.actions(self._table, found, None),
            **act_items.put_actions(self._table, act),
        }
        try:
            self._table.transact(actions)
        except TransactionCanceled:
            if self._table.get(key) is not None:
                raise Stale from None
        capture_entries.delete_if_empty(self._table, found, None)

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]:
        found, position = newest_first(self._table, f"FUNCTIONS#{workspace}", page)
        return list(readable_of(found, items.to_function, self._report)), position

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]:
        found, position = newest_first(self._table, f"TRIGGERS#{workspace}", page)
        return [stored.trigger for stored in readable_of(found, items.to_trigger, self._report)], position

    def _write(self, before: Registered | None, after: Registered, item: dict[str, Any], act: Act | None) -> None:
        """The item, if it is still what `before` says, with what it claims, if that is free."""
        claimed, had = items.claims(after), items.claims(before)
        new = {on: claim for on, claim in claimed.items() if on not in had}
        refusals = {"itself": Stale(), **{on: claim.taken for on, claim in new.items()}}
        refusals[capture_entries.ACTION] = capture_entries.no_room()
        it_is_free = "attribute_not_exists(pk)"
        actions = {
            "itself": self._table.put_action(item, **_as_it_was(before)),
            **{
                on: self._table.put_action(items.of_claim(claim, after), ConditionExpression=it_is_free)
                for on, claim in new.items()
            },
            **{on: self._free(claim, before) for on, claim in had.items() if before and on not in claimed},
            **capture_entries.actions(self._table, before, after),
            **act_items.put_actions(self._table, act),
        }
        try:
            self._table.transact(actions)
        except TransactionCanceled as canceled:
            raise next((refusal for name, refusal in refusals.items() if canceled.by(name)), Stale()) from None
        capture_entries.delete_if_empty(self._table, before, after)

    def _free(self, claim: items.Claim, owner: Registered) -> dict[str, Any]:
        it_is_ours = "attribute_not_exists(pk) OR ownerId = :id"
        return self._table.delete_action(
            claim.key, ConditionExpression=it_is_ours, ExpressionAttributeValues=to_item({":id": owner.id})
        )


def _as_it_was(before: Registered | None, **more_values: Any) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    nobody_changed_it = "#version = :seen"
    nobody_is_changing_it = "attribute_not_exists(lockedUntil)"
    values: dict[str, Any] = {":seen": before.version, **more_values}
    changing = before.locked_until if isinstance(before, FunctionTrigger) else None
    if changing is not None:
        nobody_is_changing_it = "lockedUntil = :was"
        values |= {":was": iso(changing)}
    return {
        "ConditionExpression": f"{nobody_changed_it} AND {nobody_is_changing_it}",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": to_item(values),
    }
