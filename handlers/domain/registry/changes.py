"""Optimistic locking: no editor overwrites what another has written since they read it."""

import re
from collections.abc import Callable
from contextlib import suppress

from handlers.domain.errors import InvalidRequest, Stale, Unavailable, VersionRequired
from handlers.domain.json_document import JsonObject
from handlers.domain.registry.entities import Registered

_ATTEMPTS = 3
_ETAG = re.compile(r'(W/)?"(?P<version>[0-9]{1,9})"')


def etag(version: int) -> str:
    return f'"{version}"'


def check_version(current: Registered, seen: object, if_match: str | None) -> None:
    """Refuse unless the editor has read the current version, named in the body or in If-Match.

    Raises VersionRequired, InvalidRequest or Stale.
    """
    if if_match is None and seen is None:
        raise VersionRequired
    if if_match is not None:
        match = _ETAG.fullmatch(if_match.strip())
        if match is None:
            raise InvalidRequest("If-Match", 'must be the ETag that a GET answered with, like "3".')
        if int(match["version"]) != current.version:
            raise Stale
    if seen is not None and seen != current.version:
        raise Stale


def without(body: JsonObject, fixed: dict[str, str]) -> JsonObject:
    """The body without the fields that cannot change. They may be sent, unchanged: `check_fixed` sees to that."""
    return {field: value for field, value in body.items() if field not in fixed}


def check_fixed(body: JsonObject, fixed: dict[str, str]) -> None:
    """Refuse a change of a field that cannot change.

    To be asked after `check_version`: of a document that is stale, `updatedAt` differs too. Raises InvalidRequest.
    """
    for field in fixed.keys() & body.keys():
        if body[field] != fixed[field]:
            raise InvalidRequest(field, "cannot be changed.")


def as_it_is_now(delete: Callable[[], None]) -> None:
    """Repeat `delete`, which reads before it deletes, if there was a change in between: a deletion names no version.

    Raises Unavailable if there is one each time.
    """
    for _ in range(_ATTEMPTS):
        with suppress(Stale):
            delete()
            return
    raise Unavailable
