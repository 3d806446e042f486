"""What a person names, as the API names it: runs by the beginning of an id, functions and triggers by name or id."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from fnrun import recent
from fnrun.errors import UsageFault
from fnrun.output.text import printable

if TYPE_CHECKING:
    from function_rerun import Client

    from fnrun.recent import Place

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_BEGINNING = re.compile(r"[0-9a-fA-F-]{4,35}")

_PAGE = 100
"""The API's largest."""


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def run_id(typed: str) -> str:
    """Of a whole id, or the unique beginning of one that was seen lately. Raises UsageFault."""
    if is_id(typed):
        return typed.lower()
    if not _BEGINNING.fullmatch(typed):
        raise UsageFault(f"{printable(typed)!r} is not the id of a run", "fnrun runs list")
    found = [run.id for run in recent.runs_of(recent.scope_of(place())) if run.id.startswith(typed.lower())]
    if not found:
        raise UsageFault(f"No run that was listed lately begins with {typed}", "fnrun runs list, or type the whole id")
    if len(found) > 1:
        raise UsageFault(f"{len(found)} runs begin with {typed}", f"type more of it: {found[0]} or {found[1]}")
    return found[0]


def function_id(client: "Client", typed: str) -> str:
    """Of a name or an id. Raises UsageFault if there is no such name."""
    return _named(typed, "functions", client.list_functions)


def trigger_id(client: "Client", typed: str) -> str:
    """Of a name or an id. Raises UsageFault if there is no such name."""
    return _named(typed, "triggers", client.list_triggers)


def function_names(client: "Client") -> dict[str, str]:
    """By their ids; empty where the caller may not list them."""
    return _names_if_permitted("functions", client.list_functions)


def trigger_names(client: "Client") -> dict[str, str]:
    """By their ids; empty where the caller may not list them."""
    return _names_if_permitted("triggers", client.list_triggers)


def place() -> "Place":
    """Of the command that is being run."""
    from fnrun.connection.session import current

    session = current()
    return recent.Place(session.url, session.workspace, session.profile)


def remembered(runs: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """The same runs; those that came first are kept for completion once all have been taken, or no more are."""
    newest: list[Mapping[str, Any]] = []
    try:
        for run in runs:
            if len(newest) < recent.RUNS_KEPT:
                newest.append(run)
            yield run
    finally:
        recent.remember_runs(place(), newest)


def remember_started(run_ids: Iterable[str], *, function_id: str = "") -> None:
    """Runs that were accepted just now."""
    from datetime import UTC, datetime

    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    started = {"status": "pending", "functionId": function_id, "createdAt": now}
    recent.remember_runs(place(), [{"id": each} | started for each in run_ids])


def _named(typed: str, kind: str, listed: Callable[..., Iterable[Any]]) -> str:
    if is_id(typed):
        return typed.lower()
    known = _all_names(kind, listed)
    found = [thing_id for thing_id, name in known.items() if name == typed]
    if not found:
        raise UsageFault(
            f"There is no {kind[:-1]} {printable(typed)!r}", _near(typed, known.values()) or f"fnrun {kind} list"
        )
    return found[0]


def _near(typed: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(typed, list(names), n=1)
    return f"is it {printable(close[0])!r}?" if close else ""


def _names_if_permitted(kind: str, listed: Callable[..., Iterable[Any]]) -> dict[str, str]:
    from function_rerun import Forbidden

    try:
        return _all_names(kind, listed)
    except Forbidden:
        return {}


def _all_names(kind: str, listed: Callable[..., Iterable[Any]]) -> dict[str, str]:
    names = {each["id"]: each["name"] for each in listed(limit=_PAGE)}
    recent.remember_names(place(), kind, names)
    return names
