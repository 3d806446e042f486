"""JSON as the text that it is: finds a value within a document, and keeps every character of it.

Python's reader loses what others have written: digits beyond a double's, the first of two equal keys, white space. It
gives up on documents of some thousand levels and on integers of some thousand digits. Here nothing is read that is not
asked for, and nothing recurs: any text that RFC 8259's grammar allows is taken apart, whatever its depth.
"""

import json
import re
from typing import NamedTuple

_SPACE = r"[ \t\n\r]*+"
_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\x00-\x1f]*+)*+"'
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+"
_SCALAR = f"(?:{_STRING}|{_NUMBER}|true|false|null)"

_NEXT = re.compile(_SPACE)
_VALUE = re.compile(rf"{_SPACE}(?:([\[{{])|{_SCALAR})")
_NAME = re.compile(rf"{_SPACE}({_STRING}){_SPACE}:{_SPACE}")
# What stands before the next value that may be a container, by the bracket that ends the container around it. Members
# and elements that are scalars are passed over at once.
_BEFORE = {
    "]": re.compile(f"(?:{_SPACE}{_SCALAR}{_SPACE},)*+"),
    "}": re.compile(f"(?:{_SPACE}{_STRING}{_SPACE}:{_SPACE}{_SCALAR}{_SPACE},)*+{_SPACE}{_STRING}{_SPACE}:"),
}
_ENDS = {"[": "]", "{": "}"}


class NotJson(ValueError):
    """The text is not JSON. What it holds instead is not said: it may be secret."""


class JsonText(NamedTuple):
    """The text of one JSON value, without white space around it."""

    text: str
    depth: int
    """How many objects and arrays stand inside each other: 0 for a scalar."""

    @classmethod
    def read(cls, document: str | bytes) -> "JsonText":
        """Raises NotJson."""
        try:
            text = document.decode() if isinstance(document, bytes) else document
        except UnicodeDecodeError:
            raise NotJson from None
        value, end = _value(text, _skip(text, 0))
        if _skip(text, end) != len(text):
            raise NotJson
        return value

    def members(self) -> "dict[str, JsonText]":
        """Of an object, by name; of equal names the last, as everywhere in Python. Empty for any other value."""
        found: dict[str, JsonText] = {}
        if not self.text.startswith("{"):
            return found
        at = 1
        while (name := _NAME.match(self.text, at)) is not None:
            found[json.loads(name[1])], end = _value(self.text, name.end())
            at = _skip(self.text, end) + 1
        return found

    def strings(self) -> dict[str, str | None]:
        """What its members say, by name; None for those that are no strings."""
        return {name: member.as_string() for name, member in self.members().items()}

    def as_string(self) -> str | None:
        """What a string says; None of any other value."""
        return str(json.loads(self.text)) if self.text.startswith('"') else None


def _value(text: str, at: int) -> tuple[JsonText, int]:
    """The value that begins there, and where it ends. Raises NotJson."""
    start, deepest, ends = at, 0, list[str]()
    while True:
        found = _match(_VALUE, text, at)
        at = found.end()
        if found[1]:
            ends.append(_ENDS[found[1]])
            deepest = max(deepest, len(ends))
            is_empty = text.startswith(ends[-1], _skip(text, at))
            if not is_empty:
                at = _match(_BEFORE[ends[-1]], text, at).end()
                continue
        while ends and text.startswith(ends[-1], at := _skip(text, at)):
            ends.pop()
            at += 1
        if not ends:
            return JsonText(text[start:at], deepest), at
        if not text.startswith(",", at):
            raise NotJson
        at = _match(_BEFORE[ends[-1]], text, at + 1).end()


def _skip(text: str, at: int) -> int:
    return _match(_NEXT, text, at).end()


def _match(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str]:
    found = pattern.match(text, at)
    if found is None:
        raise NotJson
    return found
