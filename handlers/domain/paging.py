"""Pages of a list: how large, and where they go on."""

import base64
import binascii
import re
from datetime import datetime
from typing import NamedTuple

from handlers.domain.clock import iso
from handlers.domain.errors import InvalidRequest

DEFAULT_SIZE = 50
MAX_SIZE = 100

_MAX_CURSOR = 100
# A time and an id: how everything that is listed in time order stands in its index.
_POSITION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z#[0-9a-f-]{32,36}")


class Page(NamedTuple):
    """What a caller asks for."""

    size: int = DEFAULT_SIZE
    after: str | None = None
    """The position of the last item of the page before."""

    @classmethod
    def from_query(cls, limit: str | None, cursor: str | None) -> "Page":
        """Raises InvalidRequest naming `limit` or `cursor`."""
        return cls(_size(limit), _position(cursor))


def position_of(created_at: datetime, id_: str) -> str:
    """Where a thing stands in time order: as text it sorts as time does, and no two are alike."""
    return f"{iso(created_at)}#{id_}"


def to_cursor(position: str | None) -> str | None:
    """URL-safe, None where the list ends."""
    return None if position is None else base64.urlsafe_b64encode(position.encode()).decode().rstrip("=")


def _size(limit: str | None) -> int:
    if limit is None:
        return DEFAULT_SIZE
    if not re.fullmatch(r"[0-9]{1,4}", limit) or not 1 <= int(limit) <= MAX_SIZE:
        raise InvalidRequest("limit", f"must be a whole number from 1 to {MAX_SIZE}.")
    return int(limit)


def _position(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        cursor = cursor if len(cursor) <= _MAX_CURSOR else ""
        position = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        position = ""
    if not _POSITION.fullmatch(position):
        raise InvalidRequest("cursor", "is not a nextCursor of this list.")
    return position
