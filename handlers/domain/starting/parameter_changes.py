"""What overrides change in the parameters that they are laid over, one line for each place: never all of both.

`merge` replaces, recursively within objects, so whatever differs lies where a leaf of the overrides lies.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Literal, NamedTuple

from handlers.domain.json_document import JsonObject, JsonValue, compact
from handlers.domain.json_pointers import leaves, pointer_below

MAX_CHANGES = 200
# Of one value, and of all pointers and values together, as JSON text.
MAX_VALUE_LENGTH = 20_000
MAX_LENGTH = 400_000
_ABSENT: Any = object()


class Change(NamedTuple):
    """One change. A value that is too long to be shown is missing in `values`."""

    pointer: str
    """A JSON Pointer (RFC 6901)."""
    kind: Literal["added", "changed", "set"]
    values: dict[str, JsonValue]
    """`before` and `after`, or the `value` that is set."""
    is_cut: bool


class Changes(NamedTuple):
    found: list[Change]
    is_cut: bool
    """There are more, or values of these that are not shown."""


NO_CHANGES = Changes([], is_cut=False)


def changes_of(parameters: JsonValue, overrides: JsonObject) -> Changes:
    """What becomes of the parameters."""
    pairs = _differences("", parameters, overrides)
    return _bounded(
        (pointer, "added", {"after": after})
        if before is _ABSENT
        else (pointer, "changed", {"before": before, "after": after})
        for pointer, before, after in pairs
    )


def settings_of(overrides: JsonObject) -> Changes:
    """What the overrides set, without a look at the parameters."""
    return _bounded((pointer, "set", {"value": value}) for pointer, value in leaves(overrides))


def _differences(pointer: str, before: JsonValue, override: JsonValue) -> Iterator[tuple[str, JsonValue, JsonValue]]:
    if isinstance(before, dict) and isinstance(override, dict):
        for key, value in override.items():
            yield from _differences(pointer_below(pointer, key), before.get(key, _ABSENT), value)
    elif before is _ABSENT or not _is_same(before, override):
        yield pointer, before, override


def _is_same(one: JsonValue, other: JsonValue) -> bool:
    """As JSON texts, in which true, 1 and 1.0 are three values; the order of keys says nothing."""
    return one is other or compact(one, sort_keys=True) == compact(other, sort_keys=True)


def _bounded(changes: Iterable[tuple[str, Any, dict[str, JsonValue]]]) -> Changes:
    kept: list[Change] = []
    left = MAX_LENGTH
    for pointer, kind, values in changes:
        lengths = {name: len(compact(value)) for name, value in values.items()}
        shown = {name: value for name, value in values.items() if lengths[name] <= MAX_VALUE_LENGTH}
        left -= len(pointer) + sum(lengths[name] for name in shown)
        if left < 0 or len(kept) == MAX_CHANGES:
            return Changes(kept, is_cut=True)
        kept.append(Change(pointer, kind, shown, is_cut=shown.keys() != values.keys()))
    return Changes(kept, is_cut=any(each.is_cut for each in kept))
