"""Optimistic locking: no editor overwrites what another has written since they read it."""

import re

from handlers.domain.errors import InvalidRequest, Stale, VersionRequired

_ETAG = re.compile(r'(W/)?"(?P<version>[0-9]{1,9})"')


def etag(version: int) -> str:
    return f'"{version}"'


def check_version(current: int, seen: object, if_match: str | None) -> None:
    """Refuse unless the editor has read the current version, named in the body or in If-Match.

    Raises VersionRequired, InvalidRequest or Stale.
    """
    if if_match is None and seen is None:
        raise VersionRequired
    if if_match is not None:
        match = _ETAG.fullmatch(if_match.strip())
        if match is None:
            raise InvalidRequest("If-Match", 'must be the ETag that a GET answered with, like "3".')
        if int(match["version"]) != current:
            raise Stale
    if seen is not None and seen != current:
        raise Stale
