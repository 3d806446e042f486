"""What DynamoDB's own expiry does not take away: objects of parts that have expired, and what was staged in vain.

An object goes once the part that names it has gone. Deleting is done in an order that can be interrupted anywhere:
first the object, then the entry that reminds of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple, Protocol

from handlers.domain import clock

STAGED_FOR = timedelta(days=1)


class KeptObject(NamedTuple):
    """A large part's object, as the table reminds of it."""

    run_id: str
    part: str
    key: str


class Shelf(Protocol):
    """The table's reminders. Every method raises Unavailable when AWS does not answer."""

    def due(self) -> Iterator[KeptObject]:
        """Objects whose part should have expired by now."""

    def part_expires_at(self, kept: KeptObject) -> datetime | None:
        """None if the part has expired. A part lives on while its lineage does."""

    def remind(self, kept: KeptObject, at: datetime) -> None: ...

    def forget(self, kept: KeptObject) -> None: ...


class Objects(Protocol):
    """The bucket. Every method raises Unavailable when AWS does not answer."""

    def delete(self, key: str) -> None: ...

    def staged_before(self, moment: datetime) -> Iterator[str]: ...


class Housekeeper(NamedTuple):
    """What housekeeping needs."""

    shelf: Shelf
    objects: Objects


class Done(StrEnum):
    DELETED = "expired object deleted"
    LIVES_ON = "object lives on"
    NEVER_MOVED = "staged object deleted"
    FAILED = "object not deleted"


def keep_house(
    using: Housekeeper, *, has_time: Callable[[], bool], report: Callable[[Exception, str], None]
) -> Counter[Done]:
    """How many objects met which fate. One that cannot be deleted now is reported, with its key, and comes again."""
    done: Counter[Done] = Counter()
    for kept in using.shelf.due():
        if not has_time():
            return done
        try:
            done[_delete_if_expired(kept, using)] += 1
        except Exception as fault:  # noqa: BLE001 - it must not keep the others waiting
            report(fault, kept.key)
            done[Done.FAILED] += 1
    for key in using.objects.staged_before(clock.now() - STAGED_FOR):
        if not has_time():
            return done
        try:
            using.objects.delete(key)
            done[Done.NEVER_MOVED] += 1
        except Exception as fault:  # noqa: BLE001 - it must not keep the others waiting
            report(fault, key)
            done[Done.FAILED] += 1
    return done


def _delete_if_expired(kept: KeptObject, using: Housekeeper) -> Done:
    expires_at = using.shelf.part_expires_at(kept)
    if expires_at is not None:
        using.shelf.remind(kept, expires_at)
        return Done.LIVES_ON
    using.objects.delete(kept.key)
    using.shelf.forget(kept)
    return Done.DELETED
