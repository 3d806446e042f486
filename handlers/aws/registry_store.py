"""Compute functions and function triggers, in the one table."""

from handlers.aws.run_items import SCHEMA, from_item, to_item
from handlers.aws.table import Cancelled, Key, Table
from handlers.domain.errors import NameTaken
from handlers.domain.registry import ComputeFunction, FunctionTrigger, Kind, StoredTrigger


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
        """Raises NameTaken."""
        self._add("function", function, {})

    def add_trigger(self, trigger: FunctionTrigger, sealed_params: bytes) -> None:
        """Raises NameTaken."""
        self._add("trigger", trigger, {"sealedParams": sealed_params})

    def delete(self, kind: Kind, found: ComputeFunction | FunctionTrigger) -> None:
        """Gone, name and all. Runs stay."""
        self._table.transact(
            [
                self._table.delete_action(_key(kind, found.id)),
                # Deleted and made anew meanwhile, the name belongs to another: leave it alone.
                self._table.delete_action(
                    _name_key(kind, found),
                    ConditionExpression="attribute_not_exists(pk) OR ownerId = :id",
                    ExpressionAttributeValues=to_item({":id": found.id}),
                ),
            ]
        )

    def _add(self, kind: Kind, new: ComputeFunction | FunctionTrigger, more: dict[str, bytes]) -> None:
        name_is_free = "attribute_not_exists(pk)"
        document = _key(kind, new.id) | new.model_dump(mode="json", by_alias=True) | more | {"schema": SCHEMA}
        name = _name_key(kind, new) | {"ownerId": new.id, "schema": SCHEMA}
        try:
            self._table.transact(
                [self._table.put_action(document), self._table.put_action(name, ConditionExpression=name_is_free)]
            )
        except Cancelled:
            raise NameTaken(kind) from None


def _key(kind: Kind, id_: str) -> Key:
    key = f"{kind.upper()}#{id_}"
    return {"pk": key, "sk": key}


def _name_key(kind: Kind, named: ComputeFunction | FunctionTrigger) -> Key:
    key = f"NAME#{named.workspace}#{kind}#{named.name}"
    return {"pk": key, "sk": key}
