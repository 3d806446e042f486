"""Whether two outcomes agree, apart from what is known to differ every time.

Outcomes are compared by their fingerprints, so that of many large results only one is in memory at a time. Two results
agree as JSON: the order of keys does not count; `true` is not `1`; numbers are compared by their exact value, so that
`1`, `1.0` and `1e0` agree. A result that this service does not read as JSON agrees only with the same bytes.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from handlers.domain.comparing.documents import comparable
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonValue, compact
from handlers.domain.json_pointers import segments_of
from handlers.domain.runs.frames import frames_of

_ANY = "*"

# A few bytes that are hundreds of digits: 1e300.
_LARGE = re.compile(rb"\d[eE]\+?\d\d")


class Ignored:
    """Places that are not compared, named by JSON Pointers (see `json_pointers`).

    What is there counts as equal, also where only one side has it.
    """

    def __init__(self, pointers: Iterable[str]) -> None:
        """A pointer is a bit, so that all that lead to a place are one number: there may be a million places."""
        paths = [segments_of(pointer) for pointer in pointers]
        self._all = (1 << len(paths)) - 1
        # Of each level: which pointers have a segment there, and for which it is the last.
        self._levels: list[tuple[defaultdict[str, int], int]] = []
        for level in range(max(map(len, paths), default=0)):
            segments: defaultdict[str, int] = defaultdict(int)
            for bit, path in enumerate(paths):
                if level < len(path):
                    segments[path[level]] |= 1 << bit
            last = sum(1 << bit for bit, path in enumerate(paths) if len(path) == level + 1)
            self._levels.append((segments, last))

    def prune(self, value: JsonValue) -> None:
        """Leaves of the value what is to be compared."""
        self._prune(value, 0, self._all)

    def _prune(self, value: JsonValue, level: int, pointers: int) -> None:
        """`pointers` lead to the value, and into it."""
        if not pointers or not isinstance(value, (dict, list)):
            return
        segments, last = self._levels[level]
        anywhere = pointers & segments.get(_ANY, 0)
        if anywhere & last:
            value.clear()
            return
        ignored = []
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            its = anywhere | (pointers & segments.get(str(key), 0))
            if its & last:
                ignored.append(key)
            elif its:
                self._prune(member, level + 1, its)
        _remove(value, ignored)


def work_of(content: bytes) -> int:
    """What a fingerprint of the content costs at most, in steps of up to 0.6 µs of CPU.

    Only counted, not read: signs that stand in a text count, too.
    """
    containers = content.count(b"[") + content.count(b"{")
    return content.count(b",") + 3 * containers + 10 * len(_LARGE.findall(content))


def result_fingerprint(result: bytes, ignored: Ignored) -> str:
    """Equal for results that agree, and for no others."""
    try:
        value = comparable(result)
    except InvalidRequest:
        return f"text {hashlib.sha256(result).hexdigest()}"
    ignored.prune(value)
    return f"json {hashlib.sha256(compact(value, sort_keys=True).encode()).hexdigest()}"


def error_fingerprint(error_type: str | None, error: bytes | None) -> str:
    """Equal for errors of one type that were raised in the same functions. Messages do not count."""
    return f"error {compact([error_type, *frames_of(error)])}"


def _remove(value: JsonValue, keys: Sequence[Any]) -> None:
    """Of an array the last elements only: the others keep their index, and are `null` whatever they were."""
    for key in reversed(keys):
        if isinstance(value, dict) or key == len(value) - 1:
            del value[key]
        else:
            value[key] = None
