"""What a person names, as the API names it: functions and triggers by name or id, the rest by an id's beginning."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fnrun import recent
from fnrun.errors import UsageFault
from fnrun.output.text import printable

if TYPE_CHECKING:
    from function_rerun import Client

    from fnrun.recent import Place

_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_GROUP_ID = re.compile(r"[0-9a-fA-F]{32}")
_BEGINNING = re.compile(r"[0-9a-fA-F-]{4,35}")
SHORT = 8
"""Characters of an error group's id that are shown in tables, where they can be typed for all of it."""

_PAGE = 100
"""The API's largest."""


def is_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None


def run_id(typed: str) -> str:
    """Of a whole id, or the unique beginning of one that was seen lately. Raises UsageFault."""
    return (
        typed.lower() if is_id(typed) else _begun(typed, _RUNS, lambda scope: [run.id for run in recent.runs_of(scope)])
    )


def group_id(typed: str) -> str:
    """The same, of an error group."""
    return (
        typed.lower()
        if _GROUP_ID.fullmatch(typed)
        else _begun(typed, _GROUPS, lambda scope: recent.names_of(scope, "groups"))
    )


def batch_id(typed: str) -> str:
    """The same, of a batch."""
    return typed.lower() if is_id(typed) else _begun(typed, _BATCHES, lambda scope: recent.names_of(scope, "batches"))


def group_names() -> dict[str, str]:
    """What is known of error groups that were listed lately, by their ids: error and function."""
    return recent.names_of(recent.scope_of(place()), "groups")


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


def remember_group(group: Mapping[str, Any], function_names: Mapping[str, str]) -> None:
    recent.remember_ids(place(), "groups", {group["errorGroupId"]: _about_group(group, function_names)})


def remembered_groups(groups: Iterable[Mapping[str, Any]], function_names: Mapping[str, str]) -> Iterator[Any]:
    """As `remembered`, of error groups."""
    about: dict[str, str] = {}
    try:
        for group in groups:
            about[group["errorGroupId"]] = _about_group(group, function_names)
            yield group
    finally:
        recent.remember_ids(place(), "groups", about)


def remembered_batches(batches: Iterable[Mapping[str, Any]]) -> Iterator[Any]:
    """As `remembered`, of batches."""
    about: dict[str, str] = {}
    try:
        for batch in batches:
            about[batch["batchId"]] = f"{batch['state']} {batch['createdAt'][:16]}"
            yield batch
    finally:
        recent.remember_ids(place(), "batches", about)


def _about_group(group: Mapping[str, Any], function_names: Mapping[str, str]) -> str:
    return f"{group['errorCode']} in {function_names.get(group['functionId'], group['functionId'])}"


def remember_started(run_ids: Iterable[str], *, function_id: str = "") -> None:
    """Runs that were accepted just now."""
    from datetime import UTC, datetime

    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    started = {"status": "pending", "functionId": function_id, "createdAt": now}
    recent.remember_runs(place(), [{"id": each} | started for each in run_ids])


class _Kind(NamedTuple):
    noun: str
    plural: str
    listed_by: str


_RUNS = _Kind("run", "runs", "fnrun runs list")
_GROUPS = _Kind("error group", "error groups", "fnrun errors")
_BATCHES = _Kind("batch", "batches", "fnrun batch list")


def _begun(typed: str, kind: _Kind, known: Callable[[recent.Scope], Iterable[str]]) -> str:
    if not _BEGINNING.fullmatch(typed):
        article = "an" if kind is _GROUPS else "a"
        is_short = re.fullmatch(r"[0-9a-fA-F]{1,3}", typed)
        step = f"type at least 4 characters of it: {kind.listed_by}" if is_short else kind.listed_by
        raise UsageFault(f"{printable(typed)!r} is not the id of {article} {kind.noun}", step)
    found = [each for each in known(recent.scope_of(place())) if each.startswith(typed.lower())]
    if not found:
        raise UsageFault(
            f"No {kind.noun} that was listed lately begins with {typed}", f"{kind.listed_by}, or type the whole id"
        )
    if len(found) > 1:
        raise UsageFault(f"{len(found)} {kind.plural} begin with {typed}", f"type more of it: {found[0]} or {found[1]}")
    return found[0]


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
