"""A table in memory that understands the expressions of moves, and nothing else."""

import operator
import re
from collections.abc import Sequence
from typing import Any

from handlers.aws.keys import Key, pair
from handlers.aws.table import ConditionFailed, Item, to_item

_COMPARED = {"=": operator.eq, "<=": operator.le}
_CONDITION = re.compile(r"(?P<name>#?\w+) (?P<by>=|<=) (?P<value>:\w+)")

_BEGINS = re.compile(r"begins_with\((?P<name>\w+), (?P<value>:\w+)\)")


class InMemoryTable:
    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}

    def put(self, plain: dict[str, Any]) -> None:
        item = to_item(plain)
        self.items[item["pk"]["S"], item["sk"]["S"]] = item

    def get(self, key: Key) -> Item | None:
        return self.items.get(pair(key))

    def get_many(self, keys: Sequence[Key]) -> dict[tuple[str, str], Item]:
        return {pair(key): item for key in keys if (item := self.get(key)) is not None}

    def update(self, key: Key, **options: Any) -> None:
        item = self.items.get(pair(key), {})
        names, values = options.get("ExpressionAttributeNames", {}), options["ExpressionAttributeValues"]
        if not all(_holds(each, item, names, values) for each in options["ConditionExpression"].split(" AND ")):
            raise ConditionFailed(item)
        sets, _, removes = options["UpdateExpression"].partition(" REMOVE ")
        changed = dict(item)
        for assignment in sets.removeprefix("SET ").split(", "):
            name, _, value = assignment.partition(" = ")
            changed[names.get(name, name)] = values[value]
        for name in filter(None, removes.split(", ")):
            changed.pop(names.get(name, name), None)
        self.items[pair(key)] = changed


def _holds(condition: str, item: Item, names: dict[str, str], values: Item) -> bool:
    if condition.startswith("attribute_not_exists("):
        name = condition.removeprefix("attribute_not_exists(").removesuffix(")")
        return names.get(name, name) not in item
    if condition == "attribute_exists(pk)":
        return "pk" in item
    if begins := _BEGINS.fullmatch(condition):
        prefix: str = values[begins["value"]]["S"]
        return str(item.get(begins["name"], {}).get("S")).startswith(prefix)
    match = _CONDITION.fullmatch(condition)
    assert match is not None, condition
    kept = item.get(names.get(match["name"], match["name"]))
    return kept is not None and _COMPARED[match["by"]](
        *(next(iter(each.values())) for each in (kept, values[match["value"]]))
    )
