"""Whether two outcomes agree, apart from what is known to differ every time.

Outcomes are compared by their fingerprints, so that of many large results only one is in memory at a time. Two results
agree as JSON: the order of keys does not count; `true` is not `1`; numbers are compared by their exact value, so that
`1`, `1.0` and `1e0` agree, as JavaScript cannot tell them apart. A result that this service does not read as JSON
agrees only with the same bytes.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from handlers.domain.comparing.frames import frames_of
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonValue, compact, parse

MAX_POINTERS = 50
MAX_POINTER = 1000
_ANY = "*"
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")
# A number that is written with a fraction or an exponent and may be whole. Within a string it does no harm.
_MAY_BE_WHOLE = re.compile(rb"\d(?:\.0+(?!\d)|[eE])")

_Path = tuple[str, ...]


class Ignored(NamedTuple):
    """Places of a result that are not compared: JSON Pointers (RFC 6901) in which a segment `*` is any key or index.

    What is at such a place counts as equal, also where only one side has it. A key `*` cannot be named alone.
    """

    pointers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, pointers: Sequence[JsonValue], *, field: str = "ignore") -> "Ignored":
        """Raises InvalidRequest naming `field`. The empty pointer, which is the whole result, cannot be ignored."""
        if len(pointers) > MAX_POINTERS:
            raise InvalidRequest(field, f"must hold {MAX_POINTERS} JSON Pointers at most.")
        if not all(isinstance(each, str) and _is_pointer(each) for each in pointers):
            raise InvalidRequest(
                field,
                f"must hold JSON Pointers like /items/*/id of {MAX_POINTER} characters at most. "
                "In a key, ~ is written ~0 and / is written ~1.",
            )
        return cls(tuple(dict.fromkeys(pointers)))

    def pruned(self, value: JsonValue) -> JsonValue:
        """What is left of the value to be compared: equal for values that agree, and for no others.

        An array in which a pointer names something becomes pairs of index and element.
        """
        paths = (each.split("/")[1:] for each in self.pointers)
        return _pruned(value, [tuple(map(_unescaped, path)) for path in paths])


NOTHING_IGNORED = Ignored()


def result_fingerprint(result: bytes, ignored: Ignored = NOTHING_IGNORED) -> str:
    """Equal for results that agree, and for no others."""
    try:
        value = parse(result)
    except InvalidRequest:
        return f"text {hashlib.sha256(result).hexdigest()}"
    value = ignored.pruned(value)
    if _MAY_BE_WHOLE.search(result):
        value = _with_whole_numbers(value)
    return f"json {hashlib.sha256(compact(value, sort_keys=True).encode()).hexdigest()}"


def error_fingerprint(error_type: str | None, error: bytes | None) -> str:
    """Equal for errors of one type that were raised in the same functions. Messages do not count."""
    return f"error {compact([error_type, *frames_of(error)])}"


def _is_pointer(text: str) -> bool:
    return len(text) <= MAX_POINTER and _POINTER.fullmatch(text) is not None


def _unescaped(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")


def _pruned(value: JsonValue, paths: Iterable[_Path]) -> JsonValue:
    if not paths or not isinstance(value, dict | list):
        return value
    below: defaultdict[str, list[_Path]] = defaultdict(list)
    for first, *rest in paths:
        below[first].append(tuple(rest))
    of_any = below.pop(_ANY, [])
    members = value.items() if isinstance(value, dict) else ((str(index), each) for index, each in enumerate(value))
    left = []
    for name, member in members:
        its = below[name] + of_any if name in below else of_any
        if () not in its:
            left.append((name, _pruned(member, its)))
    return dict(left) if isinstance(value, dict) else left


def _with_whole_numbers(value: JsonValue) -> JsonValue:
    """`1.0` as `1`."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return {name: _with_whole_numbers(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_with_whole_numbers(each) for each in value]
    return value
