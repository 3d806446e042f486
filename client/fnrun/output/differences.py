"""What differs between two JSON documents, a line for each place: `~ /total  20 → 30`."""

import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fnrun.output.console import stdout
from fnrun.output.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_VALUE = 100
"""Characters of a value that are shown: --output json has all that the service shows."""
_BEFORE_THEY_PART = 20
"""Characters of two long values that are shown before the place where they part."""
_POINTER = 40
"""Up to this width, the values stand below each other."""
_NOT_SHOWN: Any = object()


class _Kind(NamedTuple):
    marker: str
    style: str


_KINDS: Mapping[str, _Kind] = MappingProxyType(
    {
        "added": _Kind("+", "green"),
        "removed": _Kind("-", "red"),
        "changed": _Kind("~", "yellow"),
        "set": _Kind("=", "cyan"),
    }
)
_OTHER = _Kind("?", "")
"""A kind of a newer service."""


def print_differences(
    differences: Iterable[Mapping[str, Any]], *, indent: int = 2, console: "Console | None" = None
) -> None:
    """Print the differences of a comparison, or the `changes` or `set` of a plan, as the API gives them.

    A document has `pointer`, and `before` and `after`, or `value`: any of these may be left out, because it is too
    large. Without `kind` it is what the overrides set.
    """
    shown = [*differences]
    width = min(_POINTER, max((len(_place(each)) for each in shown), default=0))
    target = console or stdout()
    for each in shown:
        target.print(" " * indent, _line(each, width), sep="", overflow="ignore", no_wrap=True, crop=False)


def print_cut(cut: Mapping[str, int] | None, *, indent: int = 2, console: "Console | None" = None) -> None:
    """Print what the service has left out of a comparison's differences; nothing if that is nothing."""
    parts = []
    if cut and cut.get("differences"):
        parts.append(f"{cut['differences']:,} more differences are not shown")
    if cut and cut.get("values"):
        parts.append(f"{cut['values']:,} values are too long to be shown whole")
    if parts:
        target = console or stdout()
        target.print(f"{' ' * indent}… {'; '.join(parts)}", style="dim", overflow="ignore", no_wrap=True, crop=False)


def _place(difference: Mapping[str, Any]) -> str:
    return printable(difference["pointer"]) or "(all of it)"


def _line(difference: Mapping[str, Any], width: int) -> "Text":
    from rich.text import Text

    name = difference.get("kind", "set")
    kind = _KINDS.get(name, _OTHER)
    line = Text(f"{kind.marker} {_place(difference):<{width}}  ", kind.style)
    if name == "changed":
        before, after = _both(difference.get("before", _NOT_SHOWN), difference.get("after", _NOT_SHOWN))
        return line.append(before, "red").append(" → ", "dim").append(after, "green")
    value = difference.get({"added": "after", "removed": "before"}.get(name, "value"), _NOT_SHOWN)
    return line.append(_shortened(_text(value)))


def _text(value: Any) -> str:
    return "(not shown)" if value is _NOT_SHOWN else printable(json.dumps(value, ensure_ascii=False))


def _both(before: Any, after: Any) -> tuple[str, str]:
    """Of two long values, the place where they part."""
    old, new = _text(before), _text(after)
    start = 0
    if len(old) > _VALUE or len(new) > _VALUE:
        start = max(0, _parting(old, new) - _BEFORE_THEY_PART)
    return _shortened(old, start), _shortened(new, start)


def _parting(one: str, other: str) -> int:
    return next((at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]), 0)


def _shortened(text: str, start: int = 0) -> str:
    shown = text[start : start + _VALUE]
    return f"{'…' if start else ''}{shown}{'…' if start + _VALUE < len(text) else ''}"
