"""The filters of lists: parameters of a query, read strictly, and refused by naming them."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic.alias_generators import to_snake

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import parse_group_id, required_id

Query = dict[str, str]
Reader = Callable[[str, str], Any]
"""Gives the value of a parameter's text. Raises InvalidRequest naming the parameter, its second argument."""

MAX_TEXT = 512
# Of a period, and what it is called here: `from` is a word of Python's.
MOMENTS = {"from": "since", "to": "until"}


def read_filters(query: Query, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The values, by names in Python's style. Raises InvalidRequest."""
    read = {name: reader(query[name], name) for name, reader in readers.items() if name in query}
    if "from" in read and "to" in read and read["to"] < read["from"]:
        raise InvalidRequest("to", "is earlier than from.")
    return {MOMENTS.get(name) or to_snake(name): value for name, value in read.items()}


def one_of(names: type[StrEnum]) -> Reader:
    def read(text: str, field: str) -> StrEnum:
        try:
            return names(text)
        except ValueError:
            raise InvalidRequest(field, f"must be one of {', '.join(names)}.") from None

    return read


def an_id(text: str, field: str) -> str:
    return required_id(text, field=field)


def a_group_id(text: str, field: str) -> str:
    known = parse_group_id(text)
    if known is None:
        raise InvalidRequest(field, "must be the id of an error group.")
    return known


def flag(text: str, field: str) -> bool:
    if text not in ("true", "false"):
        raise InvalidRequest(field, "must be true or false.")
    return text == "true"


def short_text(text: str, field: str) -> str:
    if not 1 <= len(text) <= MAX_TEXT:
        raise InvalidRequest(field, f"must have 1 to {MAX_TEXT} characters.")
    return text


def moment(text: str, field: str) -> datetime:
    found = clock.moment_of(text, or_day=True)
    if found is None:
        raise InvalidRequest(field, "must be a day or a moment, like 2026-11-22 or 2026-11-22T09:30:00Z.")
    return found
