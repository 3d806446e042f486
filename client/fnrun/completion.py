"""What a shell offers for ids and names. It asks nobody: all of it is in the file of `fnrun.recent`."""

import re
from collections.abc import Iterator

from fnrun import recent

Offer = tuple[str, str]
"""What may be typed, and what it is."""

# What a shell would split, expand or hand to the terminal is not offered.
_TYPED_AS_IT_IS = re.compile(r"[\w@%+=:,./-]+")


def run_ids(incomplete: str) -> Iterator[Offer]:
    scope = recent.scope_typed_last()
    names = recent.names_of(scope, "functions")
    for run in recent.runs_of(scope):
        if run.id.startswith(incomplete) and _TYPED_AS_IT_IS.fullmatch(run.id):
            yield run.id, _plain(f"{run.status} {names.get(run.function_id, '')} {run.created_at[:16]}")


def group_ids(incomplete: str) -> Iterator[Offer]:
    return _ids("groups", incomplete)


def batch_ids(incomplete: str) -> Iterator[Offer]:
    return _ids("batches", incomplete)


def function_names(incomplete: str) -> Iterator[Offer]:
    return _names("functions", incomplete)


def trigger_names(incomplete: str) -> Iterator[Offer]:
    return _names("triggers", incomplete)


def _ids(kind: str, incomplete: str) -> Iterator[Offer]:
    for thing_id, about in recent.names_of(recent.scope_typed_last(), kind).items():
        if thing_id.startswith(incomplete) and _TYPED_AS_IT_IS.fullmatch(thing_id):
            yield thing_id, _plain(about)


def _names(kind: str, incomplete: str) -> Iterator[Offer]:
    for thing_id, name in recent.names_of(recent.scope_typed_last(), kind).items():
        if name.startswith(incomplete) and _TYPED_AS_IT_IS.fullmatch(name):
            yield name, _plain(thing_id)


def _plain(text: str) -> str:
    """Without what drives a terminal, or means something to a shell's own completion."""
    return " ".join(re.sub(r"[^\w .:/@+-]", "?", text).split())
