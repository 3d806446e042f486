"""Compute functions and function triggers, in the one table."""

from itertools import islice
from typing import Any

from handlers.aws.run_items import SCHEMA
from handlers.aws.table import Cancelled, Key, Table, from_item, to_item
from handlers.domain.errors import NameTaken, Stale
from handlers.domain.paging import Page, position_of
from handlers.domain.registry import ComputeFunction, FunctionTrigger, Kind, Registered, StoredTrigger


class RegistryStore:
    def __init__(self, table: Table) -> None:
        self._table = table

    def read_function(self, function_id: str) -> ComputeFunction | None:
        item = self._table.get(_key("function", function_id))
        return ComputeFunction.model_validate(from_item(item)) if item else None

    def read_trigger(self, trigger_id: str) -> StoredTrigger | None:
        item = self._table.get(_key("trigger", trigger_id))
        if item is None:
            return None
        plain = from_item(item)
        return StoredTrigger(FunctionTrigger.model_validate(plain), plain["sealedParams"])

    def read_trigger_and_function(
        self, trigger_id: str, function_id: str
    ) -> tuple[FunctionTrigger | None, ComputeFunction | None]:
        trigger_key, function_key = _key("trigger", trigger_id), _key("function", function_id)
        found = self._table.get_many([trigger_key, function_key])
        trigger = found.get((trigger_key["pk"], trigger_key["sk"]))
        function = found.get((function_key["pk"], function_key["sk"]))
        return (
            FunctionTrigger.model_validate(from_item(trigger)) if trigger else None,
            ComputeFunction.model_validate(from_item(function)) if function else None,
        )

    def add_function(self, function: ComputeFunction) -> None:
        self._write("function", None, function, {})

    def add_trigger(self, trigger: FunctionTrigger, sealed_params: bytes) -> None:
        self._write("trigger", None, trigger, {"sealedParams": sealed_params})

    def change_function(self, before: ComputeFunction, after: ComputeFunction) -> None:
        self._write("function", before, after, {})

    def change_trigger(self, before: FunctionTrigger, after: FunctionTrigger, sealed_params: bytes) -> None:
        self._write("trigger", before, after, {"sealedParams": sealed_params})

    def delete(self, kind: Kind, found: ComputeFunction | FunctionTrigger) -> None:
        """Gone, name and all."""
        document = self._table.delete_action(_key(kind, found.id))
        try:
            self._table.transact([document, self._free_name(kind, found)])
        except Cancelled:  # deleted and made anew meanwhile, the name belongs to another
            self._table.transact([document])

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]:
        found, position = self._list("function", workspace, page)
        return [ComputeFunction.model_validate(plain) for plain in found], position

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]:
        found, position = self._list("trigger", workspace, page)
        return [FunctionTrigger.model_validate(plain) for plain in found], position

    def _write(self, kind: Kind, before: Registered | None, after: Registered, more: dict[str, bytes]) -> None:
        """The item, on the condition that it is what `before` says, and its name, on the condition that it is free."""
        position = position_of(after.created_at, after.id)
        listed = {"byWorkspace": f"{kind.upper()}S#{after.workspace}", "position": position, "schema": SCHEMA}
        item = _key(kind, after.id) | after.model_dump(mode="json", by_alias=True) | more | listed
        actions = [self._table.put_action(item, **_as_it_was(before))]
        if before is None or before.name != after.name:
            name = _name_key(kind, after) | {"ownerId": after.id, "schema": SCHEMA}
            actions.append(self._table.put_action(name, ConditionExpression="attribute_not_exists(pk)"))
        if before is not None and before.name != after.name:
            actions.append(self._free_name(kind, before))
        try:
            self._table.transact(actions)
        except Cancelled as cancelled:
            if cancelled.failed(0):
                raise Stale from None
            raise NameTaken(kind) from None

    def _free_name(self, kind: Kind, named: Registered) -> dict[str, Any]:
        it_is_ours = "attribute_not_exists(pk) OR ownerId = :id"
        return self._table.delete_action(
            _name_key(kind, named),
            ConditionExpression=it_is_ours,
            ExpressionAttributeValues=to_item({":id": named.id}),
        )

    def _list(self, kind: Kind, workspace: str, page: Page) -> tuple[list[dict[str, Any]], str | None]:
        walk = self._table.walk(
            page_size=page.size + 1,
            IndexName="byWorkspace",
            KeyConditionExpression="byWorkspace = :key AND #position < :after",
            ExpressionAttributeNames={"#position": "position"},
            ExpressionAttributeValues=to_item({":key": f"{kind.upper()}S#{workspace}", ":after": page.after or "~"}),
            ScanIndexForward=False,
        )
        entries = list(islice(walk, page.size + 1))
        kept = entries[: page.size]
        found = self._table.get_many([{"pk": entry["pk"]["S"], "sk": entry["sk"]["S"]} for entry in kept])
        in_order = (found.get((entry["pk"]["S"], entry["sk"]["S"])) for entry in kept)
        position = kept[-1]["position"]["S"] if len(entries) > page.size else None
        return [from_item(item) for item in in_order if item is not None], position


def _as_it_was(before: Registered | None) -> dict[str, Any]:
    if before is None:
        return {"ConditionExpression": "attribute_not_exists(pk)"}
    nobody_changed_it = "#version = :seen"
    return {
        "ConditionExpression": nobody_changed_it,
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": to_item({":seen": before.version}),
    }


def _key(kind: Kind, id_: str) -> Key:
    key = f"{kind.upper()}#{id_}"
    return {"pk": key, "sk": key}


def _name_key(kind: Kind, named: Registered) -> Key:
    key = f"NAME#{named.workspace}#{kind}#{named.name}"
    return {"pk": key, "sk": key}
