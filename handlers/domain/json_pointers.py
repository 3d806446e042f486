"""JSON Pointers (RFC 6901): how places in JSON are named.

With `*` for any one member or element they say which differences of two results do not count.

https://datatracker.ietf.org/doc/html/rfc6901
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StringConstraints

from handlers.domain.json_document import JsonValue
from handlers.domain.requests import explained

_CHARACTER = "([^~/]|~[01])"
_SEGMENT = f"(/{_CHARACTER}*)"
_NAMED = f"/(([^~/*]|~[01]){_CHARACTER}*|[*]{_CHARACTER}+)?"
# Neither the empty pointer nor one of `*` only: to ignore the whole of a result would make any two results equal.
_POINTER = StringConstraints(max_length=512, pattern=f"^{_SEGMENT}*{_NAMED}{_SEGMENT}*$")

IgnoredPointers = Annotated[
    list[
        Annotated[
            str, _POINTER, explained("must be a JSON Pointer that names a key, like /orderId or /items/*/createdAt")
        ]
    ],
    Field(
        max_length=50,
        description="JSON Pointers to what is left out when two results are compared, such as `/orderId` or "
        "`/items/*/createdAt`; `*` is any member or element.",
    ),
]


def pointer_below(pointer: str, segment: object) -> str:
    """To a member, by its key, or an element, by its number, of what `pointer` points to."""
    return f"{pointer}/{str(segment).replace('~', '~0').replace('/', '~1')}"


def segments_of(pointer: str) -> list[str]:
    """The keys and indexes that it goes through."""
    return [segment.replace("~1", "/").replace("~0", "~") for segment in pointer.split("/")[1:]]


def leaves(value: JsonValue, pointer: str = "") -> Iterator[tuple[str, JsonValue]]:
    """All that stands within objects and is no object with members itself, with pointers to it."""
    if isinstance(value, dict) and (value or not pointer):
        for key, member in value.items():
            yield from leaves(member, pointer_below(pointer, key))
    else:
        yield pointer, value
