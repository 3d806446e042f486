"""Changes to what is registered: no editor overwrites what another has written since they looked."""

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
    """Refuse unless the editor saw the current version, named in the body or in If-Match.

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


def without_unchanged(body: JsonObject, fixed: dict[str, str]) -> JsonObject:
    """The body without the fields that cannot change, which may be sent back as they were read.

    Raises InvalidRequest naming a field that would have changed.
    """
    for field in fixed.keys() & body.keys():
        if body[field] != fixed[field]:
            raise InvalidRequest(field, "cannot be changed.")
    return {field: value for field, value in body.items() if field not in fixed}


def as_it_is_now(delete: Callable[[], None]) -> None:
    """Let `delete` read and delete again what somebody changes meanwhile: a deletion names no version.

    Raises Unavailable if that goes on and on.
    """
    for _ in range(_ATTEMPTS):
        with suppress(Stale):
            delete()
            return
    raise Unavailable
