"""Whether two outcomes agree, apart from what is known to differ every time.

Outcomes are compared by their fingerprints, so that of many large results only one is in memory at a time. Two results
agree as JSON: the order of keys does not count; `true` is not `1`; numbers are compared by their exact value, so that
`1`, `1.0` and `1e0` agree. A result that this service does not read as JSON
agrees only with the same bytes.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from handlers.domain.comparing.documents import comparable
from handlers.domain.comparing.frames import frames_of
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonValue, compact

_ANY = "*"

_Path = tuple[str, ...]


def result_fingerprint(result: bytes, ignored: Iterable[str] = ()) -> str:
    """Equal for results that agree, and for no others.

    `ignored` are JSON Pointers (see `json_pointers`) to places that are not compared. What is there counts as equal,
    also where only one side has it.
    """
    try:
        value = comparable(result)
    except InvalidRequest:
        return f"text {hashlib.sha256(result).hexdigest()}"
    value = _pruned(value, [tuple(map(_unescaped, each.split("/")[1:])) for each in ignored])
    return f"json {hashlib.sha256(compact(value, sort_keys=True).encode()).hexdigest()}"


def error_fingerprint(error_type: str | None, error: bytes | None) -> str:
    """Equal for errors of one type that were raised in the same functions. Messages do not count."""
    return f"error {compact([error_type, *frames_of(error)])}"


def _unescaped(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")


def _pruned(value: JsonValue, paths: list[_Path]) -> JsonValue:
    """What is left to be compared. An array that some path goes into becomes pairs of index and element."""
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
