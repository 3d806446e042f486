"""Changes of what is registered: fields that cannot change, and deletions that name no version."""

from collections.abc import Callable
from contextlib import suppress

from handlers.domain.errors import InvalidRequest, Stale, Unavailable
from handlers.domain.json_document import JsonObject

_ATTEMPTS = 3


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
