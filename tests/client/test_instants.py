"""Times as people type them, in their own zone or with --utc."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fnrun.errors import UsageFault
from fnrun.inputs.instants import coming_moment, parse_duration, past_moment
from fnrun.shared import begin_invocation, invocation

# In Berlin: 13:30 of a winter's day.
NOW = datetime(2026, 11, 26, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    begin_invocation()
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2h", "2026-11-26T10:30:00.000Z"),
        ("1d12h", "2026-11-25T00:30:00.000Z"),
        ("now", "2026-11-26T12:30:00.000Z"),
        ("today", "2026-11-25T23:00:00.000Z"),
        ("yesterday", "2026-11-24T23:00:00.000Z"),
        ("13:00", "2026-11-26T12:00:00.000Z"),
        ("18:00", "2026-11-25T17:00:00.000Z"),
        ("9:05", "2026-11-26T08:05:00.000Z"),
        ("2026-11-26", "2026-11-25T23:00:00.000Z"),
        ("2026-07-01 12:00", "2026-07-01T10:00:00.000Z"),
        ("2026-11-26T10:00:00.5-05:00", "2026-11-26T15:00:00.500Z"),
        ("2026-11-26T10:00Z", "2026-11-26T10:00:00.000Z"),
    ],
)
def test_filters_look_back(typed: str, meant: str) -> None:
    assert past_moment(typed, option="--from", now=NOW) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("+2h", "2026-11-26T14:30:00.000Z"),
        ("90m", "2026-11-26T14:00:00.000Z"),
        ("18:00", "2026-11-26T17:00:00.000Z"),
        ("13:00", "2026-11-27T12:00:00.000Z"),
        ("tomorrow", "2026-11-26T23:00:00.000Z"),
    ],
)
def test_a_delay_looks_ahead(typed: str, meant: str) -> None:
    assert coming_moment(typed, option="--not-before", now=NOW) == meant


def test_with_utc_a_time_is_one_in_utc() -> None:
    invocation().utc = True
    assert past_moment("today", option="--from", now=NOW) == "2026-11-26T00:00:00.000Z"
    assert coming_moment("13:00", option="--not-before", now=NOW) == "2026-11-26T13:00:00.000Z"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "soon",
        "2x",
        "25:00",
        "2026-13-01",
        "99999999w",
        "2026-02-30T10:00",
        "9999-12-31T23:59-05:00",
        "0001-01-01T00:00+05:00",
    ],
)
def test_what_is_no_time_is_answered_with_examples(typed: str) -> None:
    for read in (past_moment, coming_moment):
        with pytest.raises(UsageFault) as refused:
            read(typed, option="--from", now=NOW)
        assert "2026-12-24" in refused.value.next_step


def test_durations() -> None:
    typed = ("90", "0.5", "90s", "5m", "1h30m")
    assert [parse_duration(each, option="--timeout") for each in typed] == [90, 0.5, 90, 300, 5400]
    for each in ("0", "soon", "-5", ""):
        with pytest.raises(UsageFault, match="--timeout is not a duration"):
            parse_duration(each, option="--timeout")
