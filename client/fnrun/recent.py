"""What is remembered for completion and for ids that are typed by their beginning: ids, statuses, names, times.

Never content. One file of mode 600, `completion.json`, in the configuration directory. A shell asks for it at every
tab: it is read without importing anything that takes time, and what cannot be read or written is as if it were empty.
"""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

RUNS_KEPT = 200
_IDS_KEPT = 200
_NAMES_KEPT = 500
_SCOPES_KEPT = 5
_KINDS = ("functions", "triggers", "groups", "batches")

Scope = dict[str, Any]
"""Of one workspace of one stack: `url`, `workspace`, `profile`, `runs`, and the others of `_KINDS`."""


class RecentRun(NamedTuple):
    id: str
    status: str
    function_id: str
    created_at: str


class Place(NamedTuple):
    """Which workspace of which stack."""

    url: str
    workspace: str
    profile: str | None


def scope_typed_last() -> Scope:
    """The one that the environment names, else the one that was used last."""
    for scope in _scopes():
        wanted = {"profile": os.environ.get("FNRUN_PROFILE"), "workspace": os.environ.get("FNRUN_WORKSPACE")}
        if all(value is None or scope.get(name) == value for name, value in wanted.items()):
            return scope
    return {}


def scope_of(place: Place) -> Scope:
    return next((scope for scope in _scopes() if _is_of(scope, place)), {})


def runs_of(scope: Scope) -> list[RecentRun]:
    """Newest first."""
    return [RecentRun(*map(str, run)) for run in scope.get("runs", [])]


def names_of(scope: Scope, kind: str) -> dict[str, str]:
    """By ids: names of `functions` or `triggers`, or what is known of `groups` or `batches`."""
    return {str(key): str(name) for key, name in scope.get(kind, {}).items()}


def remember_runs(place: Place, runs: Iterable[Mapping[str, Any]]) -> None:
    """Each as the API shows it."""
    seen = {run["id"]: RecentRun(run["id"], run["status"], run["functionId"], run["createdAt"]) for run in runs}

    def add(scope: Scope) -> None:
        together = {run.id: run for run in runs_of(scope)} | seen
        newest = sorted(together.values(), key=lambda run: run.created_at, reverse=True)
        scope["runs"] = [list(run) for run in newest[:RUNS_KEPT]]

    if seen:
        _change(place, add)


def remember_names(place: Place, kind: str, names: Mapping[str, str]) -> None:
    """All that there are, by their ids, of `functions` or `triggers`."""

    def replace(scope: Scope) -> None:
        scope[kind] = dict(list(names.items())[:_NAMES_KEPT])

    _change(place, replace)


def remember_ids(place: Place, kind: str, about: Mapping[str, str]) -> None:
    """Some `groups` or `batches`, and what to say of each; those that were seen last are kept."""

    def add(scope: Scope) -> None:
        before = {key: said for key, said in names_of(scope, kind).items() if key not in about}
        scope[kind] = dict([*about.items(), *before.items()][:_IDS_KEPT])

    if about:
        _change(place, add)


def _change(place: Place, change: Any) -> None:
    from fnrun.connection.files import write_private

    scopes = _scopes()
    scope = next((each for each in scopes if _is_of(each, place)), {})
    others = [each for each in scopes if each is not scope]
    scope |= place._asdict()
    with suppress(OSError, TypeError, ValueError):
        change(scope)
        write_private(_file(), json.dumps({"scopes": [scope, *others][:_SCOPES_KEPT]}))


def _is_of(scope: Scope, place: Place) -> bool:
    return scope.get("url") == place.url and scope.get("workspace") == place.workspace


def _scopes() -> list[Scope]:
    try:
        scopes = json.loads(_file().read_text(encoding="utf-8"))["scopes"]
        for scope in scopes:  # whatever has another shape is of no use
            runs_of(scope)
            for kind in _KINDS:
                names_of(scope, kind)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []
    return list(scopes)


def _file() -> Any:
    from fnrun.connection.files import config_directory

    return config_directory() / "completion.json"
