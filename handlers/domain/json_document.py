"""Strict JSON: what was accepted is what will be handed on, value for value.

Python's own reader is generous where this service must not be: it keeps the last of two equal keys, reads NaN,
turns 1e999 into infinity, and lets half a surrogate pair through to fail at the first encoder.
"""

import json
import math
from typing import Any

from handlers.domain.errors import InvalidRequest, TooLarge

# Any JSON value: dict, list, str, int, float, bool or None. Python cannot say it more exactly without recursion
# that neither pydantic nor readers enjoy.
JsonValue = Any
JsonObject = dict[str, Any]

MAX_DEPTH = 100
MAX_KEY_LENGTH = 1024
# The parameters of a run, as JSON: Lambda takes 6 MB, in which what a caller sends stands as an escaped text.
MAX_BYTES = 4_000_000
# What stays inline in one DynamoDB item (400 KB), sealed, with room for the rest of the item.
MAX_INLINE_BYTES = 350_000


class _Flaw(ValueError):
    """A flaw that the standard reader would let through, in a field of its own if it has one."""

    def __init__(self, problem: str, field: str | None = None) -> None:
        self.field = field
        super().__init__(problem)


def parse(text: str | bytes, *, field: str = "body") -> JsonValue:
    """The value of a JSON text. Raises InvalidRequest naming `field`."""
    try:
        # Python's reader would guess at UTF-16 and UTF-32 too; JSON on the wire is UTF-8.
        text = text.decode() if isinstance(text, bytes) else text
        value = json.loads(
            text, object_pairs_hook=_object_without_duplicates, parse_constant=_no_constant, parse_float=_finite
        )
    except _Flaw as flaw:
        raise InvalidRequest(flaw.field or field, str(flaw)) from None
    except RecursionError:
        raise InvalidRequest(field, f"is nested deeper than {MAX_DEPTH} levels.") from None
    except ValueError:  # JSONDecodeError, bytes that are not UTF-8, an integer of thousands of digits
        raise InvalidRequest(field, "is not valid JSON.") from None
    if depth(value) > MAX_DEPTH:
        raise InvalidRequest(field, f"is nested deeper than {MAX_DEPTH} levels.")
    return value


def parse_object(text: str | bytes, *, field: str = "body") -> JsonObject:
    """Like `parse`, for a text that must hold an object. An empty text is `{}`."""
    blank = not (text.strip(b" \t\r\n") if isinstance(text, bytes) else text.strip(" \t\r\n"))
    if blank:
        return {}
    value = parse(text, field=field)
    if not isinstance(value, dict):
        raise InvalidRequest(field, "must be a JSON object.")
    return value


def dump(value: JsonValue, *, field: str, limit: int = MAX_BYTES) -> bytes:
    """The compact UTF-8 text of a value, at most `limit` bytes. Raises InvalidRequest or TooLarge naming `field`."""
    try:
        text = compact(value).encode()
    except UnicodeEncodeError:
        raise InvalidRequest(field, "holds a character that is not valid Unicode (half a surrogate pair).") from None
    if len(text) > limit:
        raise TooLarge(field, f"is {len(text)} bytes as JSON; {limit} is the most that is kept.")
    return text


def compact(value: JsonValue, *, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys)


def depth(value: JsonValue) -> int:
    """How many objects and arrays stand inside each other: 0 for a scalar."""
    deepest, level = 0, [value]
    while containers := [each for each in level if isinstance(each, dict | list)]:
        deepest += 1
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return deepest


def _object_without_duplicates(pairs: list[tuple[str, JsonValue]]) -> JsonObject:
    for key, _ in pairs:
        if len(key) > MAX_KEY_LENGTH:
            raise _Flaw(f"has a key of {len(key)} characters; {MAX_KEY_LENGTH} is the most.")
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise _Flaw("appears twice in one object.", key[:100].encode(errors="replace").decode())
        seen.add(key)
    return result


def _no_constant(name: str) -> JsonValue:
    raise _Flaw(f"{name} is not a JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Flaw("holds a number that is too large for a double.")
    return number
