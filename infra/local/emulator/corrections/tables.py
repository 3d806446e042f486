"""DynamoDB: expressions that it refuses."""

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from infra.local.emulator.corrections.rewriting import refuse_first, require

_NAMES = {"IDENT", "NAME_REF"}


def a_query_filters_on_keys() -> None:
    """Those of the table or index that is queried. A Scan may filter on them.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.FilterExpression.html. The sentence:
    https://github.com/CloudWanderer-io/CloudWanderer/issues/86.
    """
    expected = '    filter_expr = data.get("FilterExpression", "")\n'
    require("a query filters on keys", dynamodb._query, expected)  # noqa: SLF001
    refuse_first(dynamodb, "_query", _refusal)


def _refusal(data: dict[str, Any]) -> Any:
    keys = _keys_of(data)
    for name in _attributes_in(data.get("FilterExpression") or "", data.get("ExpressionAttributeNames") or {}):
        if name in keys:
            reason = f"Filter Expression can only contain non-primary key attributes: Primary key attribute: {name}"
            return error_response_json("ValidationException", reason, 400)
    return None


def _keys_of(data: dict[str, Any]) -> set[str]:
    table = dynamodb._tables.get(dynamodb._normalize_table_name(data.get("TableName"))) or {}  # noqa: SLF001
    indexes = [*(table.get("GlobalSecondaryIndexes") or []), *(table.get("LocalSecondaryIndexes") or [])]
    queried = next((index for index in indexes if index["IndexName"] == data.get("IndexName")), table)
    return {key["AttributeName"] for key in queried.get("KeySchema", [])}


def _attributes_in(expression: str, names: dict[str, str]) -> Iterator[str]:
    """Top-level attributes, not parts of documents."""
    before = None
    for kind, text in dynamodb._tokenize(expression):  # noqa: SLF001
        if kind in _NAMES and before != "DOT":
            yield names.get(text, text)
        before = kind
