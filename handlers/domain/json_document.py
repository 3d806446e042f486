"""Strict JSON: what was accepted is what will be handed on, value for value.

Python's own reader is generous where this service must not be: it keeps the last of two equal keys, reads NaN and
turns 1e999 into infinity. Half a surrogate pair, which JavaScript leaves where it cuts a string, is JSON
(RFC 8259, section 8.2) but no UTF-8: it is written as the escape that it came as, and nothing else is.
"""

import json
import math
from typing import Any

from handlers.domain.errors import InvalidRequest, TooLarge
from handlers.domain.json_text import JsonText, NotJson

# Any JSON value: dict, list, str, int, float, bool or None. Python cannot say it more exactly without recursion
# that neither pydantic nor readers enjoy.
JsonValue = Any
JsonObject = dict[str, Any]

MAX_DEPTH = 100
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels."
MAX_KEY_LENGTH = 1024
# Python's default limit, fixed here so that it does not depend on `sys.set_int_max_str_digits`.
MAX_DIGITS = 4300
# The parameters of a run, as JSON: Lambda takes 6 MB, in which what a caller sends stands as an escaped text.
MAX_BYTES = 4_000_000
# What stays inline in one DynamoDB item (400 KB), sealed, with room for the rest of the item.
MAX_INLINE_BYTES = 350_000


class _Flaw(ValueError):
    """A flaw that the standard reader would let through, in a field of its own if it has one."""

    def __init__(self, problem: str, field: str | None = None) -> None:
        self.field = field
        super().__init__(problem)


def parse(text: str | bytes, *, field: str = "body", max_depth: int | None = MAX_DEPTH) -> JsonValue:
    """The value of a JSON text. Raises InvalidRequest naming `field`.

    Without a `max_depth`, its members have to be measured by those who keep them: the limit is of what is kept.
    """
    try:
        # Python's reader would guess at UTF-16 and UTF-32 too; JSON on the wire is UTF-8.
        text = text.decode() if isinstance(text, bytes) else text
        value = json.loads(
            text,
            object_pairs_hook=_object_without_duplicates,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except _Flaw as flaw:
        raise InvalidRequest(flaw.field or field, str(flaw)) from None
    except RecursionError:
        raise InvalidRequest(_deep_member(text) or field, TOO_DEEP) from None
    except ValueError:  # JSONDecodeError, bytes that are not UTF-8, an integer of thousands of digits
        raise InvalidRequest(field, "is not valid JSON.") from None
    if max_depth is not None and depth(value) > max_depth:
        raise InvalidRequest(field, TOO_DEEP)
    return value


def parse_object(text: str | bytes, *, field: str = "body", max_depth: int | None = MAX_DEPTH) -> JsonObject:
    """Like `parse`, for a text that must hold an object. An empty text is `{}`."""
    blank = not (text.strip(b" \t\r\n") if isinstance(text, bytes) else text.strip(" \t\r\n"))
    if blank:
        return {}
    value = parse(text, field=field, max_depth=max_depth)
    if not isinstance(value, dict):
        raise InvalidRequest(field, "must be a JSON object.")
    return value


def dump(value: JsonValue, *, field: str, limit: int = MAX_BYTES) -> bytes:
    """The compact UTF-8 text of a value, at most `limit` bytes. Raises InvalidRequest or TooLarge naming `field`."""
    # Its size is known without a look at each of its members; its depth is not.
    text = text_of(value, field=field).encode()
    if len(text) > limit:
        raise TooLarge(field, f"is {len(text)} bytes as JSON; {limit} is the most that is kept.")
    if depth(value) > MAX_DEPTH:
        raise InvalidRequest(field, TOO_DEEP)
    return text


def text_of(value: JsonValue, *, field: str) -> str:
    """The compact text of a value, however large. Raises InvalidRequest if it is too deep to be written."""
    try:
        return compact(value)
    except RecursionError:
        raise InvalidRequest(field, TOO_DEEP) from None


def compact(value: JsonValue, *, sort_keys: bool = False) -> str:
    """The text of a value that `parse` may have read. Any encoder takes it: see `escaped`."""
    return escaped(_written(value, sort_keys=sort_keys))


def is_unicode(value: JsonValue) -> bool:
    """Whether there is no half of a surrogate pair in it."""
    text = _written(value)
    return text == escaped(text)


def _written(value: JsonValue, *, sort_keys: bool = False) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys)


def compact_any(value: JsonValue) -> str:
    """The text of a value that any JSON reader may have read, however deep, long or large.

    A number beyond a double, which its reader has turned into infinity, is written as 1e999, which is read so again.
    Raises ValueError for NaN, which no JSON holds.
    """
    pieces: list[str] = []
    # From the back: what is still to be written, a text as itself and a value in a list of its own.
    left: list[str | list[JsonValue]] = [[value]]
    while left:
        item = left.pop()
        if isinstance(item, str):
            pieces.append(item)
        elif isinstance(item[0], dict | list):
            left.extend(reversed(_pieces_of(item[0])))
        else:
            pieces.append(_INFINITIES.get(item[0]) or compact(item[0]))
    return "".join(pieces)


def reread_object(value: JsonValue, *, field: str) -> JsonObject:
    """The object that any JSON reader may have read, read again as strictly as a text. Raises InvalidRequest."""
    try:
        text = compact_any(value)
    except ValueError:
        raise InvalidRequest(field, "holds a number that JSON does not know.") from None
    return parse_object(text, field=field, max_depth=None)


_INFINITIES = {math.inf: "1e999", -math.inf: "-1e999"}


def _pieces_of(container: JsonValue) -> list[str | list[JsonValue]]:
    pieces: list[str | list[JsonValue]] = []
    if isinstance(container, list):
        for element in container:
            pieces += [",", [element]]
        return ["[", *pieces[1:], "]"]
    for name, member in container.items():
        pieces += [",", compact(name), ":", [member]]
    return ["{", *pieces[1:], "}"]


def escaped(text: str) -> str:
    """The text with halves of surrogate pairs as the escapes that they are in JSON, and in people's eyes."""
    return text.encode(errors="backslashreplace").decode()


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
            raise _Flaw("appears twice in one object.", escaped(key[:100]))
        seen.add(key)
    return result


def _deep_member(text: str | bytes) -> str | None:
    """Which of an object's members is nested too deep: what the reader gave up on has to be found without reading."""
    try:
        members = JsonText.read(text).members()
    except NotJson:
        return None
    return next((escaped(name[:100]) for name, member in members.items() if member.depth > MAX_DEPTH), None)


def _no_constant(name: str) -> JsonValue:
    raise _Flaw(f"{name} is not a JSON number.")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Flaw("holds a number that is too large for a double.")
    return number


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise ValueError
    return int(digits)
