"""Time as this service reads it, and as it writes it: UTC, milliseconds, fixed width: text sorts as time does."""

import re
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, WithJsonSchema

# Nobody writes more digits than fit into this.
_MAX_MOMENT = 1_000
_MOMENT = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)"
    r"([Tt](?P<hour>\d\d):(?P<minute>\d\d)(:(?P<second>\d\d)(\.(?P<fraction>\d+))?)?"
    r"(?P<offset>[Zz]|(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>[0-5]\d))?)?",
    re.ASCII,
)
_LEAP_SECOND = 60


def now() -> datetime:
    return to_millisecond(datetime.now(UTC))


def pause(seconds: float) -> None:
    time.sleep(seconds)


def to_millisecond(moment: datetime) -> datetime:
    moment = moment.astimezone(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def iso(moment: datetime) -> str:
    """`2026-11-22T09:30:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Timestamp = Annotated[
    datetime,
    AfterValidator(to_millisecond),
    PlainSerializer(iso, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]


def moment_of(text: str, *, or_day: bool = False) -> datetime | None:
    """The moment that RFC 3339 writes so, in UTC, cut to the millisecond; None if the text names no moment.

    Seconds may be left out. With `or_day` the time may be too, for the beginning of the day, and the offset, for UTC.
    A leap second, which only the end of a month in UTC can have, is the moment after it: clocks of computers have none.
    """
    match = _MOMENT.fullmatch(text) if len(text) <= _MAX_MOMENT else None
    if match is None or not (or_day or match["offset"]):
        return None
    try:
        return _moment(match)
    except (ValueError, OverflowError):
        return None


def _moment(match: re.Match[str]) -> datetime:
    """Raises ValueError or OverflowError."""
    year, month, day, hour, minute, second, hours, minutes = (
        int(match[name] or 0) for name in ("year", "month", "day", "hour", "minute", "second", "hours", "minutes")
    )
    leaps = second == _LEAP_SECOND
    milliseconds = int((match["fraction"] or "")[:3].ljust(3, "0"))
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if match["sign"] == "-" else 1)
    local = datetime(year, month, day, hour, minute, second - leaps, milliseconds * 1000, timezone(offset))
    moment = local.astimezone(UTC) + timedelta(seconds=leaps)
    if leaps and (moment.day, moment.hour, moment.minute) != (1, 0, 0):
        raise ValueError("there are no leap seconds then")
    return moment
