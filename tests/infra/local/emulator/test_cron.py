"""Cron expressions of EventBridge Scheduler: which local times they name, and what becomes of those around a change of clocks.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from handlers.domain.registry.schedules import check_cron
from infra.local.emulator.cron import Cron


def times(expression: str, after: str, count: int, zone: str = "UTC") -> list[str]:
    """The first that come after a local time, as local times."""
    there = ZoneInfo(zone)
    moments = Cron(expression).moments(there, datetime.fromisoformat(after).replace(tzinfo=there).astimezone(UTC))
    return [f"{moment.astimezone(there):%Y-%m-%dT%H:%M}" for moment in islice(moments, count)]


def days(expression: str, after: str, count: int) -> list[str]:
    return [moment.partition("T")[0] for moment in times(expression, after, count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 9 * * ? *", ["2026-11-24T09:00", "2026-11-25T09:00", "2026-11-26T09:00"]),
        ("*/20 9 * * ? *", ["2026-11-24T09:00", "2026-11-24T09:20", "2026-11-24T09:40"]),
        ("5/20 9 * * ? *", ["2026-11-24T09:05", "2026-11-24T09:25", "2026-11-24T09:45"]),
        ("0,30 8-9 * * ? *", ["2026-11-24T08:00", "2026-11-24T08:30", "2026-11-24T09:00"]),
        ("10-20/5 9 * * ? *", ["2026-11-24T09:10", "2026-11-24T09:15", "2026-11-24T09:20"]),
        ("0 22-2/2 * * ? *", ["2026-11-24T02:00", "2026-11-24T22:00", "2026-11-25T00:00"]),
        ("59 23 31 12 ? *", ["2026-12-31T23:59", "2027-12-31T23:59", "2028-12-31T23:59"]),
        ("0 0 1 JAN,jul ? *", ["2027-01-01T00:00", "2027-07-01T00:00", "2028-01-01T00:00"]),
        ("0 0 1 NOV-FEB ? *", ["2026-12-01T00:00", "2027-01-01T00:00", "2027-02-01T00:00"]),
        ("0 0 1 1/6 ? *", ["2027-01-01T00:00", "2027-07-01T00:00", "2028-01-01T00:00"]),
        ("0 0 1 1 ? 2030-2032", ["2030-01-01T00:00", "2031-01-01T00:00", "2032-01-01T00:00"]),
        ("0 0 1 1 ? 2027/2", ["2027-01-01T00:00", "2029-01-01T00:00", "2031-01-01T00:00"]),
        ("0 0 29 2 ? *", ["2028-02-29T00:00", "2032-02-29T00:00", "2036-02-29T00:00"]),
        ("0 0 1 1 ? 2199", ["2199-01-01T00:00"]),
        ("0 0 1 1 ? 2025", []),
        ("0 0 31 2 ? *", []),
    ],
)  # fmt: skip
def test_lists_ranges_steps_names_and_years(expression: str, expected: list[str]) -> None:
    assert times(expression, "2026-11-24T00:30", 3) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 0 L * ? *", ["2026-01-31", "2026-02-28", "2026-03-31"]),
        ("0 0 LW * ? *", ["2026-01-30", "2026-02-27", "2026-03-31"]),
        # The 1st of February, a Sunday, is not left for January's last Friday.
        ("0 0 1W * ? *", ["2026-02-02", "2026-03-02", "2026-04-01"]),
        ("0 0 15W * ? *", ["2026-01-15", "2026-02-16", "2026-03-16"]),
        ("0 0 31W * ? *", ["2026-01-30", "2026-03-31", "2026-05-29"]),
        ("0 0 1,L * ? *", ["2026-01-31", "2026-02-01", "2026-02-28"]),
        ("0 0 ? * 1 *", ["2026-01-04", "2026-01-11", "2026-01-18"]),
        ("0 0 ? * MON-FRI *", ["2026-01-02", "2026-01-05", "2026-01-06"]),
        ("0 0 ? * FRI-MON *", ["2026-01-02", "2026-01-03", "2026-01-04"]),
        ("0 0 ? * L *", ["2026-01-03", "2026-01-10", "2026-01-17"]),
        ("0 0 ? * 6L *", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 0 ? * FRIL *", ["2026-01-30", "2026-02-27", "2026-03-27"]),
        ("0 0 ? * 3#2 *", ["2026-01-13", "2026-02-10", "2026-03-10"]),
        ("0 0 ? * TUE#5 *", ["2026-03-31", "2026-06-30", "2026-09-29"]),
        ("0 0 ? * MON#1,SUN *", ["2026-01-04", "2026-01-05", "2026-01-11"]),
    ],
)  # fmt: skip
def test_days_of_the_month_and_of_the_week(expression: str, expected: list[str]) -> None:
    assert days(expression, "2026-01-01T12:00", 3) == expected


CLOCKS = [("Europe/Berlin", "2026-03-29", "2026-10-25", 2), ("America/New_York", "2026-03-08", "2026-11-01", 1)]
"""Where, when the clocks go forward there at two, when back, and which hour is then there twice."""


@pytest.mark.parametrize(("zone", "forward", "_back", "_hour"), CLOCKS)
def test_a_local_time_that_is_skipped_does_not_come(zone: str, forward: str, _back: str, _hour: int) -> None:
    days = [datetime.fromisoformat(forward) + timedelta(days=number) for number in (-1, 0, 1)]
    before, on, later = (f"{day:%Y-%m-%d}" for day in days)
    assert times("30 2 * * ? *", f"{before}T00:00", 2, zone) == [f"{before}T02:30", f"{later}T02:30"]
    assert times("0/30 1-3 * * ? *", f"{on}T00:00", 4, zone) == [
        f"{on}T01:00",
        f"{on}T01:30",
        f"{on}T03:00",
        f"{on}T03:30",
    ]


@pytest.mark.parametrize(("zone", "_forward", "back", "hour"), CLOCKS)
def test_a_local_time_that_is_there_twice_comes_once(zone: str, _forward: str, back: str, hour: int) -> None:
    following = f"{datetime.fromisoformat(back) + timedelta(days=1):%Y-%m-%d}"
    daily = f"30 {hour} * * ? *"
    assert times(daily, f"{back}T00:00", 2, zone) == [f"{back}T0{hour}:30", f"{following}T0{hour}:30"]
    there = ZoneInfo(zone)
    came, after = islice(Cron(daily).moments(there, datetime.fromisoformat(f"{back}T00:00").replace(tzinfo=there)), 2)
    assert after - came == timedelta(hours=25)
    # Between both, nothing is made up.
    assert times(daily, f"{back}T0{hour}:45", 1, zone) == [f"{following}T0{hour}:30"]


@pytest.mark.parametrize(("zone", "forward", "back", "_hour"), CLOCKS)
def test_what_has_nothing_to_do_with_the_change_of_clocks_comes_on_that_day_too(
    zone: str, forward: str, back: str, _hour: int
) -> None:
    for day in (forward, back):
        assert times("0 9 * * ? *", f"{day}T00:00", 1, zone) == [f"{day}T09:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "", "0 9 ? * MON", "0 9 ? * MON * *", "0  9 ? * MON *", "0 9 * * * *", "0 9 ? * ? *", "? 9 * * ? *",
        "60 9 * * ? *", "0 24 * * ? *", "0 9 0 * ? *", "0 9 32 * ? *", "0 9 1 13 ? *", "0 9 1 0 ? *", "0 9 ? * 0 *",
        "0 9 ? * 8 *", "0 9 * * ? 1969", "0 9 * * ? 2200", "x 9 * * ? *", "-1 9 * * ? *", "1- 9 * * ? *", "1/ 9 * * ? *",
        "1/0 9 * * ? *", ", 9 * * ? *", "0,, 9 * * ? *", "0 9 ? * NOT *", "0 9 ? * MON#6 *", "0 9 ? * MON#0 *", "0 9 ? * #1 *",
        "0 9 W * ? *", "0 9 WL * ? *", "0 9 L-3 * ? *", "0 9 1,? * ? *", "\u0660 9 * * ? *", "0 9 1.5 * ? *",
    ],
)  # fmt: skip
def test_what_is_no_cron_expression_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):
        Cron(expression)


ELEMENTS = st.sampled_from(["*", "?", "0", "1", "7", "59", "L", "LW", "15W", "2L", "FRIL", "MON#3", "3#5", "1-5", "5-1", "0/15", "*/2", "FRI-MON", "JAN", "NOV-FEB", "2026", "2026-2030", "x"])  # fmt: skip


@given(fields=st.lists(st.lists(ELEMENTS, min_size=1, max_size=2).map(",".join), min_size=6, max_size=6).map(" ".join))
def test_what_the_product_takes_the_emulator_takes_too(fields: str) -> None:
    try:
        check_cron(fields)
    except PydanticCustomError:
        return
    Cron(fields)
