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
from handlers.domain.process_each import process_each

STAGED_FOR = timedelta(days=1)


class KeptObject(NamedTuple):
    """A large part's object, as the table reminds of it."""

    run_id: str
    part: str
    key: str


class ExpiryIndex(Protocol):
    """The table's reminders. Every method raises Unavailable when AWS does not answer."""

    def due(self) -> Iterator[KeptObject]:
        """Objects whose part should have expired by now."""

    def part_expires_at(self, kept: KeptObject) -> datetime | None:
        """None if the part has expired. A part lives on while its lineage does."""

    def reschedule(self, kept: KeptObject, at: datetime) -> None: ...

    def remove(self, kept: KeptObject) -> None: ...


class Objects(Protocol):
    """The bucket. Every method raises Unavailable when AWS does not answer."""

    def delete(self, key: str) -> None: ...

    def staged_before(self, moment: datetime) -> Iterator[str]: ...


class ExpiryDeps(NamedTuple):
    """What housekeeping needs."""

    expiry_index: ExpiryIndex
    objects: Objects


class ExpiryResult(StrEnum):
    DELETED = "expired object deleted"
    LIVES_ON = "object lives on"
    NEVER_MOVED = "staged object deleted"
    FAILED = "object not deleted"


def delete_expired(
    deps: ExpiryDeps, *, has_time: Callable[[], bool], report: Callable[[Exception, str], None]
) -> Counter[ExpiryResult]:
    """How many objects had each result. One that cannot be deleted now is reported, with its key, and comes again."""
    done = process_each(
        deps.expiry_index.due(),
        lambda kept: _delete_if_expired(kept, deps),
        failed=ExpiryResult.FAILED,
        has_time=has_time,
        report=lambda fault, kept: report(fault, kept.key),
    )
    return process_each(
        deps.objects.staged_before(clock.now() - STAGED_FOR),
        lambda key: _delete_staged(key, deps),
        failed=ExpiryResult.FAILED,
        has_time=has_time,
        report=report,
        done=done,
    )


def _delete_staged(key: str, deps: ExpiryDeps) -> ExpiryResult:
    deps.objects.delete(key)
    return ExpiryResult.NEVER_MOVED


def _delete_if_expired(kept: KeptObject, deps: ExpiryDeps) -> ExpiryResult:
    expires_at = deps.expiry_index.part_expires_at(kept)
    if expires_at is not None:
        deps.expiry_index.reschedule(kept, expires_at)
        return ExpiryResult.LIVES_ON
    deps.objects.delete(kept.key)
    deps.expiry_index.remove(kept)
    return ExpiryResult.DELETED
