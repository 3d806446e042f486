"""Keeps the schedules and rules of triggers equal to what the table says of them.

A change that an AWS service has to follow is made in three steps: lock the trigger, so that nobody else changes it;
sync the schedule or rule with the new state; write the new state and unlock. A failure in between leaves a locked
trigger. Its schedule or rule is then restored to what the table says: at once if possible, else by the next change of
the trigger or by the watchdog's next pass.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from enum import StrEnum

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.errors import BeingChanged, BusMissing, ServiceError, Stale
from handlers.domain.process_each import process_each
from handlers.domain.registry.entities import FunctionTrigger, StoredTrigger
from handlers.domain.registry.ports import Registry
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.registry.trigger_sources import TriggerSources

# Longer than any Lambda function that changes triggers may run.
LOCK_TIME = timedelta(seconds=60)


class SyncResult(StrEnum):
    RESTORED = "trigger restored"
    UNDONE = "trigger never created"
    MOVED_ON = "trigger moved on by itself"
    FAILED = "trigger not repaired"


def add_stored(stored: StoredTrigger, registry: Registry, sources: TriggerSources, act: Act) -> None:
    """Raises NameTaken, PathTaken, SourceLimitReached, InvalidRequest or Unavailable, and there is no such trigger."""
    if not stored.trigger.needs_sync:
        registry.add_trigger(stored, act)
        return
    begun = stored.trigger.evolve(confirmed=False, locked_until=clock.now() + LOCK_TIME)
    registry.add_trigger(stored._replace(trigger=begun))
    try:
        _sync_changed(None, stored.trigger, sources)
        registry.change_trigger(begun, stored, act)
    except Exception:
        with suppress(ServiceError):
            written = registry.read_trigger(begun.id)
            if written is not None and written.trigger.confirmed:
                return  # it was written: only the answer was lost
            _undo_creation(begun, registry, sources)
        raise


def write_change(
    before: StoredTrigger, after: StoredTrigger, registry: Registry, sources: TriggerSources, act: Act
) -> None:
    """Raises NameTaken, PathTaken, Stale, BeingChanged, SourceLimitReached, InvalidRequest or Unavailable.

    After any of them, schedule or rule is not ahead of the table.
    """
    if not _concerns_source(before.trigger, after.trigger):
        registry.change_trigger(before.trigger, after, act)
        return
    with _locked(before.trigger, registry, sources) as locked:
        _sync_changed(before.trigger.metadata, after.trigger, sources)
        registry.change_trigger(locked, after, act)


def delete_stored(found: FunctionTrigger, registry: Registry, sources: TriggerSources, act: Act) -> None:
    """Raises Stale, BeingChanged or Unavailable."""
    if not found.needs_sync:
        registry.delete(found, act)
        return
    with _locked(found, registry, sources) as locked:
        sources.remove(found)
        registry.delete(locked, act)


def _sync_changed(before: TriggerMetadata | None, after: FunctionTrigger, sources: TriggerSources) -> None:
    """A new moment that has passed since the request came in is refused: it would never be sent to AWS."""
    if after.metadata != before:
        after.metadata.check_ahead()
    sources.sync(after)


def _undo_creation(begun: FunctionTrigger, registry: Registry, sources: TriggerSources) -> None:
    """Raises Unavailable."""
    sources.remove(begun)
    registry.delete(begun)


def repair_triggers(
    registry: Registry,
    sources: TriggerSources,
    *,
    has_time: Callable[[], bool],
    report: Callable[[Exception, str], None],
) -> Counter[SyncResult]:
    """Finish or undo changes that stopped half-way. One that cannot be repaired now is reported, with its id."""
    return process_each(
        registry.unfinished_triggers(),
        lambda stored: _repair(stored, registry, sources),
        failed=SyncResult.FAILED,
        has_time=has_time,
        report=lambda fault, stored: report(fault, stored.trigger.id),
    )


def _repair(stored: StoredTrigger, registry: Registry, sources: TriggerSources) -> SyncResult:
    try:
        locked = registry.lock_trigger(stored.trigger, clock.now() + LOCK_TIME)
        with _unlock_on_failure(locked, registry):
            if not locked.confirmed:
                _undo_creation(locked, registry, sources)
                return SyncResult.UNDONE
            _restore(stored._replace(trigger=locked), registry, sources)
            return SyncResult.RESTORED
    except Stale:
        # Somebody else has locked it and will sync it: an editor, or another run of the watchdog.
        return SyncResult.MOVED_ON


@contextmanager
def _unlock_on_failure(locked: FunctionTrigger, registry: Registry) -> Iterator[None]:
    """So that the next editor, or the watchdog, need not wait until the lock expires."""
    try:
        yield
    except Exception:
        with suppress(ServiceError):
            registry.lock_trigger(locked, clock.now())
        raise


def _restore(locked: StoredTrigger, registry: Registry, sources: TriggerSources) -> None:
    """Sync schedule or rule with the table, and unlock."""
    with suppress(BusMissing):  # the rule was deleted with its bus: there is nothing left to sync
        sources.sync(locked.trigger)
    registry.change_trigger(locked.trigger, locked._replace(trigger=locked.trigger.evolve(locked_until=None)))


@contextmanager
def _locked(before: FunctionTrigger, registry: Registry, sources: TriggerSources) -> Iterator[FunctionTrigger]:
    if before.locked_until is not None and before.locked_until > clock.now():
        raise BeingChanged
    locked = registry.lock_trigger(before, clock.now() + LOCK_TIME)
    try:
        yield locked
    except Exception:
        with suppress(ServiceError):
            _restore_if_still_locked(locked, registry, sources)
        raise


def _restore_if_still_locked(locked: FunctionTrigger, registry: Registry, sources: TriggerSources) -> None:
    """Our last write may have succeeded although its answer was lost: the table decides."""
    written = registry.read_trigger(locked.id)
    if written is None or written.trigger.locked_until != locked.locked_until:
        return
    with _unlock_on_failure(written.trigger, registry):
        _restore(written, registry, sources)


def _concerns_source(before: FunctionTrigger, after: FunctionTrigger) -> bool:
    changed = (before.enabled, before.metadata) != (after.enabled, after.metadata)
    return before.needs_sync and (changed or before.locked_until is not None)
