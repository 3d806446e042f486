"""Ids: UUIDs of ours, each with one spelling, and those that others have given."""

import re
import uuid

from handlers.domain.errors import InvalidRequest, InvalidRunId

# Makes the ids of runs that are derived from what started them. It must never change.
_DERIVED = uuid.UUID("6f6e0a4e-4a0c-5d1b-9a58-0f3f5d0c7a11")
# An id that another system has given to a request, an event or a message.
FOREIGN_ID = re.compile(r"\A[!-~]{1,256}\Z")
ID_PATTERN = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUID = re.compile(ID_PATTERN)
GROUP_ID_PATTERN = r"[0-9a-fA-F]{32}"
_GROUP_ID = re.compile(GROUP_ID_PATTERN)


def derived_id(*what: str) -> str:
    """The one id of the run that this starts: delivered twice, it starts that one run."""
    # Lengths first, so that no two lists of texts read alike.
    return str(uuid.uuid5(_DERIVED, "".join(f"{len(each)}:{each}" for each in what)))


def parse_run_id(text: str) -> str:
    """The canonical form of a run's id. Raises InvalidRunId."""
    parsed = parse_id(text)
    if parsed is None:
        raise InvalidRunId
    return parsed


def parse_id(text: str) -> str | None:
    """The canonical form of a UUID, in lower case; None if it is none.

    UUID() also reads braces, "urn:uuid:" and any hyphenation, but one thing must have one name only.
    """
    return text.lower() if _UUID.fullmatch(text) else None


def parse_group_id(text: str) -> str | None:
    """The canonical form of an error group's id, in lower case; None if it is none."""
    return text.lower() if _GROUP_ID.fullmatch(text) else None


def required_id(text: str, *, field: str) -> str:
    """The canonical form of a UUID. Raises InvalidRequest."""
    known = parse_id(text)
    if known is None:
        raise InvalidRequest(field, "must be an id.")
    return known
