"""The failures of each hour as a line of bars."""

from typing import Any

import pytest
from fnrun.grouping.sparkline import Window


def hour(stamp: str, failures: int) -> dict[str, Any]:
    return {"hour": f"2026-11-{stamp}:00:00.000Z", "failures": failures}


def window(since: str, until: str = "26T12:30:00") -> Window:
    return Window(f"2026-11-{since}.000Z", f"2026-11-{until}.000Z")


def test_each_hour_has_a_column_and_the_last_is_that_of_now() -> None:
    a_day = window("25T12:30:00")
    line = a_day.line([hour("26T12", 8), hour("26T11", 1), hour("25T12", 4)])
    assert line == "▄" + 22 * "·" + "▁█"
    assert a_day.title == "BY HOUR"


def test_the_highest_column_is_full_and_none_with_a_failure_is_empty() -> None:
    assert window("26T10:00:00").line([hour("26T10", 10_000), hour("26T12", 1)]) == "█·▁"
    assert window("26T10:00:00").line([]) == "···"


def test_a_longer_time_has_columns_of_several_hours() -> None:
    a_week = window("19T12:30:00")
    line = a_week.line([hour("26T12", 3), hour("26T06", 3), hour("26T05", 3)])
    assert a_week.title == "BY 8 HOURS"
    assert len(line) == 22
    assert line.endswith("·█")


def test_what_lies_outside_is_in_the_column_beside_it() -> None:
    assert window("26T11:00:00").line([hour("26T13", 1), hour("26T01", 2)]) == "█▄"


@pytest.mark.parametrize("until", ["26T12:00:00", "26T11:30:00"])
def test_the_hour_that_begins_when_it_ends_has_no_column(until: str) -> None:
    assert window("26T10:00:00", until).line([hour("26T11", 1)]) == "·█"


def test_a_terminal_that_lacks_the_bars_shows_others(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdout:
        encoding = "latin-1"

    monkeypatch.setattr("sys.stdout", Stdout())
    assert window("26T10:00:00").line([hour("26T10", 8), hour("26T12", 1)]) == "@ ."
