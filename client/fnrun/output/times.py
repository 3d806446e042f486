"""Timestamps and durations for people: in local time, or in UTC with --utc."""

from datetime import UTC, datetime

from fnrun.shared import invocation


def moment(timestamp: str | None) -> str:
    """`2026-11-26 12:50:09`, of the API's `2026-11-26T11:50:09.123Z`; empty for None."""
    if timestamp is None:
        return ""
    at = datetime.fromisoformat(timestamp)
    return f"{at.astimezone(UTC if invocation().utc else None):%Y-%m-%d %H:%M:%S}"


def duration(milliseconds: int | None) -> str:
    """`38 ms`, `2.4 s`, `3 min 20 s`, `2 h 5 min`; empty for None."""
    if milliseconds is None:
        return ""
    if milliseconds < 1_000:  # noqa: PLR2004 - a second
        return f"{milliseconds} ms"
    seconds = milliseconds / 1_000
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    if seconds < 3_600:  # noqa: PLR2004 - an hour
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3_600)} h {int(seconds % 3_600 // 60)} min"
