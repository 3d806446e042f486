from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import clock
from handlers.domain.clock import iso, moment_of, to_millisecond


def test_time_is_written_in_utc_with_fixed_width() -> None:
    assert iso(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000Z"
    in_delhi = timezone(timedelta(hours=5, minutes=30))
    assert iso(datetime(2026, 1, 2, 3, 4, 5, 678_999, tzinfo=in_delhi)) == "2026-01-01T21:34:05.678Z"


def test_text_sorts_as_time_does() -> None:
    moments = [datetime(2026, 1, 2, tzinfo=UTC) + timedelta(milliseconds=each) for each in (0, 1, 10, 999, 1000)]
    assert sorted(map(iso, moments)) == [iso(moment) for moment in moments]


def test_what_is_now_survives_being_written() -> None:
    now = clock.now()
    assert datetime.fromisoformat(iso(now)) == now
    assert to_millisecond(now) == now


MOMENTS = {
    "2026-12-24T18:00:00Z": "2026-12-24T18:00:00.000Z",
    "2026-12-24t18:00:00z": "2026-12-24T18:00:00.000Z",
    "2026-12-24T18:00Z": "2026-12-24T18:00:00.000Z",
    "2026-12-24T18:00:00.9Z": "2026-12-24T18:00:00.900Z",
    "2026-12-24T18:00:00.9999999999999999999Z": "2026-12-24T18:00:00.999Z",
    "2026-12-24T18:00:00.0009z": "2026-12-24T18:00:00.000Z",
    f"2026-12-24T18:00:00.{'1' * 500}+01:00": "2026-12-24T17:00:00.111Z",
    "2026-12-24T18:00:00-00:00": "2026-12-24T18:00:00.000Z",
    "2026-12-24T18:00:00.5+23:59": "2026-12-23T18:01:00.500Z",
    "2024-02-29T23:59:59.999-23:59": "2024-03-01T23:58:59.999Z",
    "0001-01-01T00:00:00Z": "0001-01-01T00:00:00.000Z",
    "0001-01-01T23:59:00+23:59": "0001-01-01T00:00:00.000Z",
    "9999-12-31T23:59:59.9999Z": "9999-12-31T23:59:59.999Z",
    "2016-12-31T23:59:60Z": "2017-01-01T00:00:00.000Z",
    "2016-12-31T15:59:60.25-08:00": "2017-01-01T00:00:00.250Z",
}
NO_MOMENTS = [
    *("", "now", "2026-12-24", "2026-12-24T18", "2026-12-24T18:00:00", "2026-12-24 18:00:00Z", "20261224T180000Z"),
    *("2026-12-24T18:00:00.Z", "2026-12-24T18:00:00,5Z", "2026-12-24T18:00:00+0100", "2026-12-24T18:00:00+01"),
    *("2026-12-24T18:00:00+24:00", "2026-12-24T18:00:00+01:60", "2026-12-24T24:00:00Z", "2026-12-24T18:60:00Z"),
    *("2026-06-31T00:00:00Z", "2025-02-29T00:00:00Z", "0000-01-01T00:00:00Z", "2026-13-01T00:00:00Z"),
    *("0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", "10000-01-01T00:00:00Z"),
    *("2016-12-31T23:59:61Z", "2016-12-31T22:59:60Z", "2016-12-30T23:59:60Z", "2026-W52-4T18:00:00Z"),
    *(" 2026-12-24T18:00:00Z", "2026-12-24T18:00:00Z\n", "\u0662\u0660\u0662\u0666-12-24T18:00:00Z", "2026-12-24TZ"),
    *(
        "-2026-12-24T18:00:00Z",
        "2026-12-24T18:00:00.1" + "0" * 2_000 + "Z",
        "2026-12-24T18:00:00\u2212 01:00",
        "2026-12-24Z",
    ),
]


@pytest.mark.parametrize(("text", "written"), MOMENTS.items(), ids=lambda each: ascii(each)[:40])
def test_a_moment_is_read_as_rfc_3339_writes_it_and_cut_to_the_millisecond(text: str, written: str) -> None:
    for moment in (moment_of(text), moment_of(text, or_day=True)):
        assert moment is not None
        assert (iso(moment), moment.utcoffset()) == (written, timedelta())


@pytest.mark.parametrize("text", NO_MOMENTS, ids=lambda each: ascii(each)[:40])
def test_what_is_no_moment_of_the_calendar_is_none(text: str) -> None:
    assert moment_of(text) is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-11-26", "2026-11-26T00:00:00.000Z"),
        ("2026-11-26T09:30", "2026-11-26T09:30:00.000Z"),
        ("2026-11-26t09:30:00.1239", "2026-11-26T09:30:00.123Z"),
        ("0001-01-01", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31", "9999-12-31T00:00:00.000Z"),
    ],
)
def test_where_a_day_will_do_it_is_its_beginning_in_utc(text: str, written: str) -> None:
    moment = moment_of(text, or_day=True)
    assert moment is not None
    assert iso(moment) == written
    assert moment_of(text) is None


@pytest.mark.parametrize("text", ["", "2026", "2026-11", "2026-11-31", "2026-11-26T", "yesterday", "2026-11-26Z"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert moment_of(text, or_day=True) is None


@given(st.datetimes(timezones=st.timezones()), st.integers(0, 12))
def test_every_moment_that_can_be_written_is_read_again(moment: datetime, digits: int) -> None:
    try:
        utc = to_millisecond(moment)
    except OverflowError:
        return
    offset = moment.strftime("%z")
    fraction = f".{moment.microsecond:06d}{'7' * digits}"
    text = f"{moment.replace(tzinfo=None, microsecond=0).isoformat()}{fraction}{offset[:3]}:{offset[3:5]}"
    if moment.utcoffset() == timedelta(minutes=int(f"{offset[0]}{int(offset[1:3]) * 60 + int(offset[3:5])}")):
        assert moment_of(text) == utc
