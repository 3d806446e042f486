"""What differs between two JSON documents, of any size and shape, within a budget of time and of what is shown.

All differences are counted; the first of them are shown, long values by an excerpt. Each takes as many steps as the
documents have values, so that two results of 4 MB made to be slow are compared in seconds.

No library is used: of those that are maintained, deepdiff, jsonpatch and jsondiff take more than a minute for two
arrays of 500,000 different numbers (deepdiff and jsonpatch also a lot of memory, or moves, which are hard to read);
dictdiffer is quick but takes `true` and `1` for equal, and does not see that an array has one element more at its
beginning.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from handlers.domain.comparing.alignment import Gap, gaps
from handlers.domain.comparing.documents import comparable
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonValue, compact
from handlers.domain.json_pointers import pointer_below

MAX_SHOWN = 1000
MAX_SHOWN_BYTES = 900_000
"""Of one comparison, as JSON. Four of them, of parameters, overrides, result and error, fit into one answer."""
MAX_VALUE = 2000
"""Characters of a value, as JSON."""
_CONTEXT = 100
"""Characters of a long text that are shown before what differs."""
_MAX_TOKENS = 40_000_000
"""Characters that arrays are aligned by. An array in an array in an array is written as often: that has to end."""

_TEXT_OF = json.JSONEncoder(sort_keys=True).encode

# Where a value is: the way to what holds it, and its key or index there.
_Path = tuple[Any, str | int, str | int] | None
"""From the end: what it is below, its segment in `before`, and that in `after`."""


class Kind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Difference(NamedTuple):
    pointer: str
    """A JSON Pointer (RFC 6901): where it is in `after`; of what was removed, where it was in `before`."""
    kind: Kind
    before: JsonValue = None
    after: JsonValue = None
    shortened: int = 0
    """How many of the two are an excerpt, as a text."""


class Differences(NamedTuple):
    shown: list[Difference]
    total: int
    """How many there are, shown or not."""


def differences(before: bytes, after: bytes) -> Differences:
    """Of two contents. What this service does not read as JSON is compared, and shown, as a text."""
    if before == after:
        return Differences([], 0)
    walk = _Walk()
    try:
        values = comparable(before), comparable(after)
    except InvalidRequest:
        walk.add(None, Kind.CHANGED, before.decode(errors="replace"), after.decode(errors="replace"))
    else:
        walk.compare(None, *values)
    return Differences(walk.shown, walk.count)


class _Walk:
    """Through both documents, collecting. A generator would hand each difference up through a hundred levels."""

    def __init__(self) -> None:
        self.shown: list[Difference] = []
        self.count = 0
        self._bytes_left = MAX_SHOWN_BYTES
        self._tokens_left = _MAX_TOKENS

    def compare(self, path: _Path, before: JsonValue, after: JsonValue) -> None:
        if isinstance(before, dict) and isinstance(after, dict):
            self._compare_objects(path, before, after)
        elif isinstance(before, list) and isinstance(after, list):
            self._compare_arrays(path, before, after)
        elif before != after or isinstance(before, bool) != isinstance(after, bool):
            self.add(path, Kind.CHANGED, before, after)

    def add(self, path: _Path, kind: Kind, before: JsonValue = None, after: JsonValue = None) -> None:
        self.count += 1
        if len(self.shown) == MAX_SHOWN or self._bytes_left < 0:
            return
        difference = _excerpt(_pointer(path, kind), kind, before, after)
        self._bytes_left -= len(compact(difference).encode())
        if self._bytes_left >= 0:
            self.shown.append(difference)

    def _compare_objects(self, path: _Path, before: JsonValue, after: JsonValue) -> None:
        for name, member in before.items():
            if name in after:
                self.compare((path, name, name), member, after[name])
            else:
                self.add((path, name, name), Kind.REMOVED, before=member)
        for name, member in after.items():
            if name not in before:
                self.add((path, name, name), Kind.ADDED, after=member)

    def _compare_arrays(self, path: _Path, before: JsonValue, after: JsonValue) -> None:
        for (i, j), (i_end, j_end) in self._gaps(before, after):
            both = min(i_end - i, j_end - j)
            for at in range(both):
                self.compare((path, i + at, j + at), before[i + at], after[j + at])
            for at in range(i + both, i_end):
                self.add((path, at, at), Kind.REMOVED, before=before[at])
            for at in range(j + both, j_end):
                self.add((path, at, at), Kind.ADDED, after=after[at])

    def _gaps(self, before: JsonValue, after: JsonValue) -> Iterator[Gap]:
        if self._tokens_left < 0:
            return iter([Gap((0, 0), (len(before), len(after)))])
        tokens = [_token(each) for each in before], [_token(each) for each in after]
        self._tokens_left -= sum(len(each[1]) for side in tokens for each in side if isinstance(each, tuple))
        return gaps(*tokens)


def _token(value: JsonValue) -> object:
    """Equal for equal values, and hashable. JSON text is in a tuple, apart from strings that look like it."""
    if isinstance(value, dict | list | bool):
        return ("json", _TEXT_OF(value))
    return value


def _pointer(path: _Path, kind: Kind) -> str:
    segments: list[str] = []
    while path is not None:
        path, in_before, in_after = path
        segments.append(pointer_below("", in_before if kind is Kind.REMOVED else in_after))
    return "".join(reversed(segments))


def _excerpt(pointer: str, kind: Kind, before: JsonValue, after: JsonValue) -> Difference:
    """The difference with values of a length that can be read. Of two long texts, the place where they part."""
    start = 0
    if isinstance(before, str) and isinstance(after, str):
        start = max(0, _common_beginning(before, after) - _CONTEXT)
    old, new = _shortened(before, start), _shortened(after, start)
    return Difference(pointer, kind, old, new, (old is not before) + (new is not after))


def _shortened(value: JsonValue, start: int) -> JsonValue:
    """The value itself if it is short."""
    text = value if isinstance(value, str) else compact(value)
    if len(text) <= MAX_VALUE:
        return value
    end = start + MAX_VALUE
    return ("… " if start else "") + text[start:end] + (" …" if end < len(text) else "")


def _common_beginning(one: str, other: str) -> int:
    """How many characters, by halves: each comparison is one of the machine's."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
