"""Cron expressions as EventBridge Scheduler reads them, and the moments that they name in a time zone.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
"""

from calendar import monthrange
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
SATURDAY = 6  # of Python's isoweekday, as SUNDAY is
SUNDAY = 7
_WEEK = 7
_WEEKS_OF_A_MONTH = 5

_IsDay = Callable[[date], bool]


class Cron:
    """Minutes, hours, day of month, month, day of week and year, with one space between them."""

    def __init__(self, expression: str) -> None:
        """Raises ValueError."""
        minutes, hours, days, months, weekdays, years = expression.split(" ")
        if (days == "?") == (weekdays == "?"):
            raise ValueError("One of day of month and day of week has to be ?, and only one.")
        self._minutes = sorted(_values(minutes, 0, 59))
        self._hours = sorted(_values(hours, 0, 23))
        self._months = sorted(_values(months, 1, 12, MONTHS))
        self._years = sorted(_values(years, 1970, 2199))
        read, elements = (_weekday, weekdays) if days == "?" else (_day_of_month, days)
        self._days = [read(element) for element in elements.split(",")]

    def moments(self, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
        """In UTC and ascending, all that come after a moment.

        A local time that is skipped when the clocks go forward does not come; one that is there twice when they go
        back comes once.
        """
        for local in self._local_times(after.astimezone(zone).date()):
            moment = local.replace(tzinfo=zone).astimezone(UTC)
            if moment > after and moment.astimezone(zone).replace(tzinfo=None) == local:
                yield moment

    def _local_times(self, first: date) -> Iterator[datetime]:
        for year in (each for each in self._years if each >= first.year):
            for month in self._months:
                for number in range(1, _days_in(year, month) + 1):
                    day = date(year, month, number)
                    if day >= first and any(is_day(day) for is_day in self._days):
                        yield from self._times_of(day)

    def _times_of(self, day: date) -> Iterator[datetime]:
        return (datetime.combine(day, time(hour, minute)) for hour in self._hours for minute in self._minutes)


def _values(field: str, lowest: int, highest: int, names: tuple[str, ...] = ()) -> set[int]:
    return {value for element in field.split(",") for value in _of_element(element, lowest, highest, names)}


def _of_element(element: str, lowest: int, highest: int, names: tuple[str, ...]) -> list[int]:
    """`*`, `5`, `1-5`, and any of them with a step as in `0/15`. A range may go over the end, as FRI-MON does."""

    def number(text: str) -> int:
        value = names.index(text.upper()) + lowest if text.upper() in names else _digits(text)
        if not lowest <= value <= highest:
            raise ValueError(f"{value} is not within {lowest} and {highest}.")
        return value

    values, slash, step = element.partition("/")
    begin, dash, end = values.partition("-")
    if values == "*":
        covered = list(range(lowest, highest + 1))
    else:
        first = number(begin)
        last = number(end) if dash else highest if slash else first
        beyond = 0 if first <= last else highest - lowest + 1
        covered = [(value - lowest) % (highest - lowest + 1) + lowest for value in range(first, last + beyond + 1)]
    if slash and _digits(step) == 0:
        raise ValueError("A step of nothing leads nowhere.")
    return covered[:: _digits(step)] if slash else covered


def _digits(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError(f"{text!r} is no number.")
    return int(text)


def _day_of_month(element: str) -> _IsDay:
    if element == "L":
        return lambda day: day.day == _days_in(day.year, day.month)
    if element == "LW":
        return lambda day: day == _weekday_nearest(day.replace(day=_days_in(day.year, day.month)))
    if element.endswith("W"):
        (wanted,) = _of_element(element.removesuffix("W"), 1, 31, ())
        return lambda day: wanted <= _days_in(day.year, day.month) and day == _weekday_nearest(day.replace(day=wanted))
    days = _of_element(element, 1, 31, ())
    return lambda day: day.day in days


def _weekday_nearest(day: date) -> date:
    """From Monday to Friday, in the same month."""
    if day.isoweekday() == SATURDAY:
        return day - timedelta(days=1) if day.day > 1 else day + timedelta(days=2)
    if day.isoweekday() == SUNDAY:
        return day + timedelta(days=1) if day.day < _days_in(day.year, day.month) else day - timedelta(days=2)
    return day


def _weekday(element: str) -> _IsDay:
    """`L` alone is the last day of the week."""
    if element == "L":
        return lambda day: day.isoweekday() == SATURDAY
    if element.endswith("L"):
        (wanted,) = _of_element(element.removesuffix("L"), 1, _WEEK, WEEKDAYS)
        return lambda day: _number_of(day) == wanted and day.day + _WEEK > _days_in(day.year, day.month)
    if "#" in element:
        of_week, _, nth = element.partition("#")
        (wanted,) = _of_element(of_week, 1, _WEEK, WEEKDAYS)
        (week,) = _of_element(nth, 1, _WEEKS_OF_A_MONTH, ())
        return lambda day: _number_of(day) == wanted and (day.day - 1) // _WEEK + 1 == week
    weekdays = _of_element(element, 1, _WEEK, WEEKDAYS)
    return lambda day: _number_of(day) in weekdays


def _number_of(day: date) -> int:
    """1 is Sunday, as AWS counts."""
    return day.isoweekday() % _WEEK + 1


def _days_in(year: int, month: int) -> int:
    return monthrange(year, month)[1]
