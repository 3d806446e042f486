from datetime import UTC, datetime, timedelta, timezone

from handlers.domain import clock
from handlers.domain.clock import iso, to_millisecond


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
