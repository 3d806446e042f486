"""A table in memory that understands the expressions that moves, transactions and queries of runs are written in."""

import operator
import re
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from handlers.aws.table import Item, Table, from_item, to_item

_COMPARED = {"=": operator.eq, "<=": operator.le, "<": operator.lt, ">=": operator.ge, ">": operator.gt}
_CONDITION = re.compile(r"(?P<name>#?\w+) (?P<by>=|<=|<|>=|>) (?P<value>:\w+)")
_FUNCTION = re.compile(r"(?P<function>attribute_exists|attribute_not_exists|begins_with)\((?P<of>[^)]+)\)")
_ASSIGNMENT = re.compile(r"(?P<name>#?\w+) = (?:(?P<counted>#?\w+) \+ )?(?P<kept>if_not_exists\(\w+, )?(?P<value>:\w+)")


class _ConditionalCheckFailed(ClientError):
    """Of one write."""


class _TransactionCanceled(ClientError):
    """Of several."""


class _Never(ClientError):
    """Nobody else writes at the same moment."""


class InMemoryDynamoDB:
    """A DynamoDB client for one table. Each call is one step: nothing comes in between."""

    exceptions = SimpleNamespace(
        ConditionalCheckFailedException=_ConditionalCheckFailed,
        TransactionCanceledException=_TransactionCanceled,
        TransactionConflictException=_Never,
        TransactionInProgressException=_Never,
    )

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}

    def get_item(self, *, Key: Item, **_: Any) -> Any:  # noqa: N803 - as boto3 has it
        item = self.items.get(_pair(Key))
        return {} if item is None else {"Item": item}

    def batch_get_item(self, *, RequestItems: dict[str, Any]) -> Any:  # noqa: N803
        ((name, request),) = RequestItems.items()
        return {"Responses": {name: [self.items[_pair(key)] for key in request["Keys"] if _pair(key) in self.items]}}

    def put_item(self, *, Item: Item, **_: Any) -> None:  # noqa: N803
        self.items[_pair(Item)] = Item

    def delete_item(self, *, Key: Item, **_: Any) -> None:  # noqa: N803
        self.items.pop(_pair(Key), None)

    def update_item(self, **update: Any) -> None:
        item = self.items.get(_pair(update["Key"]), {})
        if not _holds(item, update):
            raise _ConditionalCheckFailed(cast("Any", {"Item": item}), "UpdateItem")
        self._update(update)

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]], **_: Any) -> None:  # noqa: N803
        actions = [next(iter(each.items())) for each in TransactItems]
        items = [self.items.get(_pair(action.get("Key") or action["Item"]), {}) for _, action in actions]
        holds = [_holds(item, action) for item, (_, action) in zip(items, actions, strict=True)]
        if not all(holds):
            reasons = [
                {"Code": "None" if held else "ConditionalCheckFailed", "Item": item}
                for held, item in zip(holds, items, strict=True)
            ]
            raise _TransactionCanceled(cast("Any", {"CancellationReasons": reasons}), "TransactWriteItems")
        for kind, action in actions:
            match kind:
                case "Put":
                    self.put_item(Item=action["Item"])
                case "Update":
                    self._update(action)

    def query(self, **query: Any) -> Any:
        expression = {"ConditionExpression": query["KeyConditionExpression"], **query}
        found = [item for _, item in sorted(self.items.items()) if _holds(item, expression)]
        return {"Items": found}

    def _update(self, update: dict[str, Any]) -> None:
        names, values = update.get("ExpressionAttributeNames", {}), update.get("ExpressionAttributeValues", {})
        item = self.items.get(_pair(update["Key"]), update["Key"])
        sets, _, removes = f" {update['UpdateExpression']}".partition(" REMOVE ")
        changed = dict(item)
        for each in _ASSIGNMENT.finditer(sets):
            value = values[each["value"]]
            if each["counted"]:
                value = to_item({"sum": _plain(item[each["counted"]]) + _plain(value)})["sum"]
            name = names.get(each["name"], each["name"])
            changed[name] = item[name] if each["kept"] and name in item else value
        for name in filter(None, removes.split(", ")):
            changed.pop(names.get(name, name), None)
        self.items[_pair(update["Key"])] = changed


class InMemoryTable(Table):
    """The wire of a real table, and that client at its end."""

    def __init__(self, client: Any = None) -> None:
        self.dynamodb = InMemoryDynamoDB() if client is None else client
        super().__init__(cast("Any", self.dynamodb), "table")

    @property
    def items(self) -> dict[tuple[str, str], Item]:
        items: dict[tuple[str, str], Item] = self.dynamodb.items
        return items


def _pair(key: Item) -> tuple[str, str]:
    return key["pk"]["S"], key["sk"]["S"]


def _holds(item: Item, of: dict[str, Any]) -> bool:
    """Whether the condition of a write or a query does: alternatives, each of several that must all hold."""
    condition = of.get("ConditionExpression")
    names, values = of.get("ExpressionAttributeNames", {}), of.get("ExpressionAttributeValues", {})
    return condition is None or any(
        all(_is_true(each, item, names, values) for each in alternative.split(" AND "))
        for alternative in condition.split(" OR ")
    )


def _is_true(condition: str, item: Item, names: dict[str, str], values: Item) -> bool:
    if function := _FUNCTION.fullmatch(condition):
        name, *prefix = function["of"].split(", ")
        kept = item.get(names.get(name, name))
        if function["function"] == "begins_with":
            return kept is not None and bool(_plain(kept).startswith(_plain(values[prefix[0]])))
        return (kept is None) == (function["function"] == "attribute_not_exists")
    match = _CONDITION.fullmatch(condition)
    assert match is not None, condition
    kept = item.get(names.get(match["name"], match["name"]))
    return kept is not None and bool(_COMPARED[match["by"]](_plain(kept), _plain(values[match["value"]])))


def _plain(value: Any) -> Any:
    return from_item({"it": value})["it"]
