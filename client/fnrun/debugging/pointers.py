"""JSON Pointers, with `*` for any one member or element, as the service takes them.

https://datatracker.ietf.org/doc/html/rfc6901
"""

import copy
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from fnrun.errors import UsageFault

ANY = "*"
_POINTER = re.compile(r"(?:/(?:[^~/]|~[01])*)+")


class Place(NamedTuple):
    pointer: str
    container: Any
    """A dict or a list."""
    key: Any

    @property
    def value(self) -> Any:
        return self.container[self.key]


def checked(pointer: str) -> str:
    """Raises UsageFault unless it is a JSON Pointer that names a place within a document."""
    if not _POINTER.fullmatch(pointer):
        raise UsageFault(f"{pointer!r} is not a JSON Pointer", "write it like /customer/email or /items/*/note")
    return pointer


def places(document: Any, pointer: str) -> list[Place]:
    """Where the pointer leads to in the document, in its order."""
    segments = [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]
    found = [Place("", [document], 0)]
    for segment in segments:
        found = [below for place in found for below in _below(place, segment)]
    return found


def below(pointer: str, key: object) -> str:
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _below(place: Place, segment: str) -> Iterator[Place]:
    value = place.value
    if isinstance(value, dict):
        keys: Iterable[Any] = value if segment == ANY else [segment] if segment in value else ()
    elif isinstance(value, list):
        keys = [at for at in range(len(value)) if segment in (ANY, str(at))]
    else:
        keys = ()
    for key in keys:
        yield Place(below(place.pointer, key), value, key)


def pruned(document: Any, pointers: Iterable[str]) -> Any:
    """A copy without what they lead to, as the service leaves it out: an element keeps the index of those behind it."""
    copied = copy.deepcopy(document)
    found = {(id(place.container), place.key): place for pointer in pointers for place in places(copied, pointer)}
    elements = sorted((each for each in found.values() if isinstance(each.container, list)), key=lambda each: -each.key)
    for place in (*elements, *(each for each in found.values() if isinstance(each.container, dict))):
        if isinstance(place.container, dict) or place.key == len(place.container) - 1:
            del place.container[place.key]
        else:
            place.container[place.key] = None
    return copied
