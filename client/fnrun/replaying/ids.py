"""The id of a replay says when the newest of its runs was created, so that who resumes it takes the same runs."""

import re
import secrets

from fnrun.errors import UsageFault

_STAMP = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\d{3})Z-[0-9a-f]{8}")


def replay_id_of(created_at: str) -> str:
    """`20261126T151442123Z-1a2b3c4d`, of a timestamp of the API, which has milliseconds."""
    return f"{re.sub('[-:.]', '', created_at)}-{secrets.token_hex(4)}"


def newest_of(replay_id: str) -> str:
    """The timestamp."""
    match = _STAMP.fullmatch(replay_id)
    assert match is not None  # noqa: S101 - checked when it was typed
    year, month, day, hour, minute, second, milliseconds = match.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}.{milliseconds}Z"


def check_replay_id(replay_id: str | None) -> None:
    """Raises UsageFault."""
    if replay_id is not None and not _STAMP.fullmatch(replay_id):
        raise UsageFault("--resume is not the id of a replay", "it is what the replay has printed: replay ID")
