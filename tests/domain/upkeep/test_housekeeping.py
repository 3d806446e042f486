"""Objects go with the part that they hold, and nothing that is still named is deleted."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.upkeep.housekeeping import STAGED_FOR, ExpiryDeps, ExpiryResult, KeptObject, delete_expired
from tests.builders import NOW, an_id
from tests.fakes import FakeClock


class House:
    """Index and bucket in memory."""

    def __init__(self) -> None:
        self.reminders: dict[KeptObject, datetime] = {}
        self.parts: dict[KeptObject, datetime] = {}
        self.objects: dict[str, datetime] = {}
        self.fails_on: str | None = None
        self.order: list[str] = []

    def has(self, number: int, *, expires_in: timedelta) -> KeptObject:
        kept = KeptObject(an_id(number), "parameters", f"kept/{number}")
        self.reminders[kept] = self.parts[kept] = NOW + expires_in
        self.objects[kept.key] = NOW
        return kept

    def due(self) -> Iterator[KeptObject]:
        yield from [kept for kept, at in self.reminders.items() if at < clock.now()]

    def part_expires_at(self, kept: KeptObject) -> datetime | None:
        expires_at = self.parts[kept]
        return expires_at if expires_at > clock.now() else None

    def reschedule(self, kept: KeptObject, at: datetime) -> None:
        self.reminders[kept] = at

    def remove(self, kept: KeptObject) -> None:
        self.order.append(f"forget {kept.key}")
        del self.reminders[kept]

    def delete(self, key: str) -> None:
        if key == self.fails_on:
            raise Unavailable
        self.order.append(f"delete {key}")
        self.objects.pop(key, None)

    def staged_before(self, moment: datetime) -> Iterator[str]:
        yield from [key for key, at in self.objects.items() if key.startswith("staging/") and at < moment]


@pytest.fixture
def house(time: FakeClock) -> House:
    return House()


def kept_house(house: House, *, objects: int = 100) -> dict[ExpiryResult, int]:
    left = iter(range(objects))
    done = delete_expired(
        ExpiryDeps(house, house), has_time=lambda: next(left, None) is not None, report=lambda *_: None
    )
    return dict(done)


def test_an_object_goes_with_its_part(house: House, time: FakeClock) -> None:
    house.has(1, expires_in=timedelta(days=91))
    other = house.has(2, expires_in=timedelta(days=92))
    time.advance(days=91, seconds=1)
    assert kept_house(house) == {ExpiryResult.DELETED: 1}
    assert (list(house.objects), list(house.reminders)) == (["kept/2"], [other])


def test_an_object_whose_lineage_lives_on_lives_on(house: House, time: FakeClock) -> None:
    kept = house.has(1, expires_in=timedelta(days=91))
    time.advance(days=91, seconds=1)
    house.parts[kept] = NOW + timedelta(days=150)
    assert kept_house(house) == {ExpiryResult.LIVES_ON: 1}
    assert kept_house(house) == {}
    time.advance(days=59)
    assert kept_house(house) == {ExpiryResult.DELETED: 1}


def test_the_object_goes_before_what_reminds_of_it(house: House, time: FakeClock) -> None:
    house.has(1, expires_in=timedelta(days=1))
    time.advance(days=2)
    kept_house(house)
    assert house.order == ["delete kept/1", "forget kept/1"]


def test_one_object_that_cannot_be_deleted_does_not_keep_the_others(house: House, time: FakeClock) -> None:
    house.has(1, expires_in=timedelta(days=1))
    house.has(2, expires_in=timedelta(days=1))
    house.fails_on = "kept/1"
    time.advance(days=2)
    assert kept_house(house) == {ExpiryResult.FAILED: 1, ExpiryResult.DELETED: 1}
    house.fails_on = None
    assert kept_house(house) == {ExpiryResult.DELETED: 1}


def test_what_time_did_not_suffice_for_is_done_an_hour_later(house: House, time: FakeClock) -> None:
    for number in range(5):
        house.has(number, expires_in=timedelta(days=1))
    time.advance(days=2)
    assert kept_house(house, objects=2) == {ExpiryResult.DELETED: 2}
    assert kept_house(house) == {ExpiryResult.DELETED: 3}


def test_what_was_staged_in_vain_goes_after_a_day(house: House, time: FakeClock) -> None:
    house.objects["staging/a"] = NOW
    time.advance(seconds=STAGED_FOR.total_seconds())
    assert kept_house(house) == {}
    time.advance(seconds=1)
    assert kept_house(house) == {ExpiryResult.NEVER_MOVED: 1}
    assert not house.objects
