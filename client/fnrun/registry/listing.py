"""Lists of functions and triggers, whose names a shell then offers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fnrun import lookup, recent


def remembered(kind: str, listed: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The same ones. `kind`: functions or triggers."""
    names: dict[str, str] = {}
    for each in listed:
        names[each["id"]] = each["name"]
        yield each
    recent.remember_names(lookup.place(), kind, names)
