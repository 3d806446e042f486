"""Points in time and durations, as people type them. They mean local time, or UTC with --utc."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from fnrun.errors import UsageFault
from fnrun.shared import invocation

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION = re.compile(r"(?:\d{1,9}[smhdw])+")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?")
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


def past_moment(text: str, *, option: str, now: datetime | None = None) -> str:
    """A timestamp of the API, of `2h` (ago), `yesterday`, `18:00` (the last one), a day, or a timestamp."""
    now = now or datetime.now(UTC)
    if seconds := _seconds(text):
        return _shifted(now, -seconds, option)
    return _stamp(_parse(text, now, option, ahead=False))


def coming_moment(text: str, *, option: str, now: datetime | None = None) -> str:
    """A timestamp of the API, of `+2h`, `tomorrow`, `18:00` (the next one), a day, or a timestamp."""
    now = now or datetime.now(UTC)
    if seconds := _seconds(text.removeprefix("+")):
        return _shifted(now, seconds, option)
    return _stamp(_parse(text, now, option, ahead=True))


def parse_duration(text: str, *, option: str) -> float:
    """In seconds: of `90`, `90s`, `5m`, `1h30m`. Raises UsageFault."""
    seconds = float(text) if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text) else _seconds(text)
    if not seconds:
        raise UsageFault(f"{option} is not a duration", f"write {option} 90s, 5m or 1h30m")
    return float(seconds)


def parse_timeout(text: str | None, *, waits: bool) -> float | None:
    """Of --timeout; None if it is not given. Raises UsageFault."""
    if text is None:
        return None
    if not waits:
        raise UsageFault("--timeout says how long to wait, but nothing is waited for", "add --wait")
    return parse_duration(text, option="--timeout")


def _seconds(text: str) -> int:
    if not _DURATION.fullmatch(text):
        return 0
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text))


def _parse(text: str, now: datetime, option: str, *, ahead: bool) -> datetime:
    try:
        # In UTC it may lie outside of the years that there are.
        return _understood(text.strip(), now, ahead=ahead).astimezone(UTC)
    except (ValueError, OverflowError):
        examples = "+2h, 18:00, tomorrow" if ahead else "2h, 3d, yesterday, 18:00"
        raise UsageFault(
            f"{option} is not a time", f"write {option} {examples}, 2026-12-24 or 2026-12-24T18:00:00Z"
        ) from None


def _understood(text: str, now: datetime, *, ahead: bool) -> datetime:
    if text == "now":
        return now
    today = now.astimezone(_zone()).date()
    if text in _DAYS:
        return _placed(datetime.combine(today + timedelta(days=_DAYS[text]), time()))
    if _CLOCK.fullmatch(text):
        at_clock = time.fromisoformat(text.rjust(len(text) + (text.index(":") == 1), "0"))
        found = _placed(datetime.combine(today, at_clock))
        if ahead and found <= now:
            return _placed(datetime.combine(today + timedelta(days=1), at_clock))
        if not ahead and found > now:
            return _placed(datetime.combine(today - timedelta(days=1), at_clock))
        return found
    return _placed(datetime.fromisoformat(text))


def _placed(at: datetime) -> datetime:
    """In the zone that a time without an offset is meant in."""
    if at.tzinfo is not None:
        return at
    zone = _zone()
    return at.replace(tzinfo=zone) if zone else at.astimezone()


def _zone() -> tzinfo | None:
    return UTC if invocation().utc else None


def _shifted(now: datetime, seconds: int, option: str) -> str:
    try:
        return _stamp(now + timedelta(seconds=seconds))
    except OverflowError:
        raise UsageFault(f"{option} is too far away", "write a day, such as 2026-12-24") from None


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
