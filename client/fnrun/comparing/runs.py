"""How a comparison looks: what is known of both runs side by side, then what differs in their contents."""

from collections.abc import Iterator, Mapping
from typing import Any

from fnrun.output.console import note, stdout
from fnrun.output.differences import print_cut, print_differences
from fnrun.output.tables import print_table
from fnrun.output.text import printable
from fnrun.output.times import duration, moment

Document = Mapping[str, Any]

_CONTENTS = ("parameters", "overrides", "result", "error")
_HASH = 16
"""Characters of a hash that are shown: who reads it compares it."""
_OUTCOME = ("status", "errorCode", "errorSource")


def differ(comparison: Document) -> bool:
    """Whether outcome or content differ, as far as both are known and shown."""
    outcome = any(comparison["differs"][name] for name in _OUTCOME)
    contents = comparison["content"] or {}
    return outcome or any(_content_differs(contents[name]) for name in _CONTENTS if name in contents)


def _content_differs(content: Document) -> bool:
    """One has it and the other never had it: that is a difference, too. What is not kept may have been equal."""
    return content["equal"] is False or {content["before"], content["after"]} == {"kept", "none"}


def print_comparison(comparison: Document) -> None:
    print_table(("", "BEFORE", "AFTER", ""), _rows(comparison))
    contents = comparison["content"]
    if contents is None:
        needed = comparison.get("contentNeeds", "a grant")
        note(f"Parameters, result and error are not compared for you. Next: ask for the grant {needed}")
        return
    stdout().print()
    for name in _CONTENTS:
        _print_content(name, contents[name])
    if contents["savedResult"]:
        note(contents["savedResult"])


def _rows(comparison: Document) -> Iterator[list[str]]:
    before, after, differs = comparison["before"], comparison["after"], comparison["differs"]

    def row(label: str, field: str, shown: Any = str, *, differing: Any = "") -> list[str]:
        sides = ["" if each.get(field) is None else printable(shown(each[field])) for each in (before, after)]
        return [label, *sides, differing if isinstance(differing, str) else _said(differing)]

    yield row("run", "id")
    yield row("source", "executionSource")
    yield row("created", "createdAt", moment)
    yield row("code", "functionCodeHash", _shortened, differing=differs["code"])
    yield row("configuration", "configHash", _shortened, differing=differs["configuration"])
    yield row("version", "functionVersion", differing=differs["version"])
    yield row("status", "status", differing=differs["status"])
    if before["errorCode"] or after["errorCode"]:
        yield row("error", "errorCode", differing=differs["errorCode"])
        yield row("error of", "errorSource", differing=differs["errorSource"])
    yield row("took", "durationMs", duration, differing=differs["durationMs"])
    yield row("executions", "executionAttempts", differing=differs["executionAttempts"])


def _said(differs: bool | None) -> str:
    return "not known" if differs is None else "differs" if differs else "same"


def _shortened(text: str) -> str:
    return text if len(text) <= _HASH else f"{text[:_HASH]}…"


def _print_content(name: str, content: Document) -> None:
    console = stdout()
    if content["equal"] is None:
        console.print(f"{name}: {_not_compared(content['before'], content['after'])}", soft_wrap=True)
        return
    if content["equal"]:
        console.print(f"{name}: equal")
        return
    cut = content["cut"]
    count = len(content["differences"]) + (cut["differences"] if cut else 0)
    console.print(f"{name}: {count:,} difference{'' if count == 1 else 's'}", style="bold")
    print_differences(content["differences"])
    print_cut(cut)


_STATES = {"kept": "there", "none": "none", "omitted": "not kept by the service", "erased": "erased"}


def _not_compared(before: str, after: str) -> str:
    if {before, after} == {"kept", "none"}:
        return "only before" if before == "kept" else "only after"
    old, new = (printable(_STATES.get(state, state)) for state in (before, after))
    return f"{old} in both" if old == new else f"{old} before, {new} after"
