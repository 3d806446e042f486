"""Time as this service writes it: UTC, milliseconds, fixed width, so that text sorts as time does."""

import time
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer


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


Timestamp = Annotated[datetime, AfterValidator(to_millisecond), PlainSerializer(iso, return_type=str)]
