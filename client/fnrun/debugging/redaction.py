"""Takes what is not for a repository out of parameters and results: places named by JSON Pointers.

A value is replaced by one of the same JSON type, equal texts by equal ones. A text that was replaced at one place is
replaced wherever else it stands, also within other texts: a function may have answered with it.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from fnrun.debugging.pointers import below, checked, places
from fnrun.errors import CommandError, UsageFault

MIN_SEARCHED = 4
"""Characters of a text that is looked for at other places: a shorter one stands everywhere by chance."""


class Redacted(NamedTuple):
    documents: Mapping[str, Any]
    places: Mapping[str, int]
    """How many places each pointer has led to."""
    others: tuple[str, ...]
    """Where else a replaced text stood, like `result/note`."""


class _Replaced(NamedTuple):
    value: Any


def redact(documents: Mapping[str, Any], pointers: Sequence[str]) -> Redacted:
    """Redacted copies of the documents, by their names.

    Raises UsageFault for a pointer that leads to nothing in any of them.
    """
    copied = copy.deepcopy(dict(documents))
    found = {pointer: _found(copied, pointer) for pointer in pointers}
    values = [(place, place.value) for led_to in found.values() for place in led_to]
    replacements = _Replacements(text for _, value in values for text in _texts_in(value))
    for place, value in values:
        place.container[place.key] = _Replaced(replacements.instead_of(value))
    others: list[str] = []
    cleaned = {name: replacements.cleaned(document, name, others) for name, document in copied.items()}
    return Redacted(cleaned, {pointer: len(led_to) for pointer, led_to in found.items()}, tuple(others))


def _found(documents: Mapping[str, Any], pointer: str) -> list[Any]:
    checked(pointer)
    led_to = [place for document in documents.values() for place in places(document, pointer)]
    if not led_to:
        raise UsageFault(
            f"{pointer} leads to nothing in the {' or the '.join(documents)}",
            "fnrun runs show RUN --include parameters",
        )
    return led_to


class _Replacements:
    def __init__(self, texts: Iterator[str]) -> None:
        self._of = {text: f"redacted-{number}" for number, text in enumerate(dict.fromkeys(texts), start=1)}
        searched = sorted((text for text in self._of if len(text) >= MIN_SEARCHED), key=len, reverse=True)
        self._searched = re.compile("|".join(map(re.escape, searched))) if searched else None

    def instead_of(self, value: Any) -> Any:
        match value:
            case str():
                return self._of[value]
            case bool():
                return False
            case int() | float():
                return type(value)(1)
            case dict() | list():
                return type(value)()
        return value

    def cleaned(self, value: Any, pointer: str, others: list[str]) -> Any:
        match value:
            case _Replaced():
                return value.value
            case dict():
                for key in value:
                    if self._without(key) != key:
                        raise CommandError(
                            f"A redacted text is also the name of a member of {pointer}", "redact that object, too"
                        )
                return {key: self.cleaned(member, below(pointer, key), others) for key, member in value.items()}
            case list():
                return [self.cleaned(each, below(pointer, at), others) for at, each in enumerate(value)]
            case str() if (replaced := self._without(value)) != value:
                others.append(pointer)
                return replaced
        return value

    def _without(self, text: str) -> str:
        return self._searched.sub(lambda found: self._of[found[0]], text) if self._searched else text


def _texts_in(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for member in value.values():
                yield from _texts_in(member)
        case list():
            for each in value:
                yield from _texts_in(each)
