"""Keep the schedules and rules of triggers in step with what is written of them.

A change that an AWS service has to follow is made in three steps: *hold* the trigger (nobody else changes it now),
bring schedule or rule to what will be, write what is. Whoever dies or fails in between leaves a trigger that is held;
it is brought back to what is written: at once if possible, by the next change of it, or by the watchdog's next pass.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum

from handlers.domain import clock
from handlers.domain.errors import BeingChanged, BusMissing, ServiceError, Stale
from handlers.domain.process_each import process_each
from handlers.domain.registry.entities import FunctionTrigger, StoredTrigger
from handlers.domain.registry.ports import RegistryWriter
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.registry.trigger_sources import TriggerSources

# Longer than any door that changes triggers may live.
LOCK_TIME = timedelta(seconds=60)


class SyncResult(StrEnum):
    RESTORED = "trigger restored"
    UNDONE = "trigger never created"
    MOVED_ON = "trigger moved on by itself"
    FAILED = "trigger not repaired"


def add_stored(stored: StoredTrigger, registry: RegistryWriter, sources: TriggerSources) -> None:
    """Raises NameTaken, PathTaken, SourceLimitReached, InvalidRequest or Unavailable, and there is no such trigger."""
    if not stored.trigger.needs_sync:
        registry.add_trigger(stored)
        return
    begun = stored.trigger.evolve(confirmed=False, locked_until=_time_to_change())
    registry.add_trigger(stored._replace(trigger=begun))
    try:
        _sync_changed(None, stored.trigger, sources)
        registry.change_trigger(begun, stored)
    except Exception:
        with suppress(ServiceError):
            written = registry.read_trigger(begun.id)
            if written is not None and written.trigger.confirmed:
                return  # it was written: only the answer was lost
            _undo_creation(begun, registry, sources)
        raise


def write_change(
    before: StoredTrigger, after: StoredTrigger, registry: RegistryWriter, sources: TriggerSources
) -> None:
    """Raises NameTaken, PathTaken, Stale, BeingChanged, SourceLimitReached, InvalidRequest or Unavailable.

    None of them leaves schedule or rule ahead of what is written.
    """
    if not _concerns_source(before.trigger, after.trigger):
        registry.change_trigger(before.trigger, after)
        return
    with _locked(before.trigger, registry, sources) as locked:
        _sync_changed(before.trigger.metadata, after.trigger, sources)
        registry.change_trigger(locked, after)


def delete_stored(found: FunctionTrigger, registry: RegistryWriter, sources: TriggerSources) -> None:
    """Raises Stale, BeingChanged or Unavailable."""
    if not found.needs_sync:
        registry.delete(found)
        return
    with _locked(found, registry, sources) as locked:
        sources.remove(found)
        registry.delete(locked)


def _sync_changed(before: TriggerMetadata | None, after: FunctionTrigger, sources: TriggerSources) -> None:
    """A new moment that has passed since the request came in is refused: it would never be sent to AWS."""
    if after.metadata != before:
        after.metadata.check_ahead()
    sources.sync(after)


def _time_to_change() -> datetime:
    return clock.now() + LOCK_TIME


def _undo_creation(begun: FunctionTrigger, registry: RegistryWriter, sources: TriggerSources) -> None:
    """Raises Unavailable."""
    sources.remove(begun)
    registry.delete(begun)


def repair_triggers(
    registry: RegistryWriter,
    sources: TriggerSources,
    *,
    has_time: Callable[[], bool],
    report: Callable[[Exception, str], None],
) -> Counter[SyncResult]:
    """Finish or undo what was left half-done. One that cannot be helped now is reported, with its id, and waits."""
    return process_each(
        registry.unfinished_triggers(),
        lambda stored: _repair_unless_moved_on(stored, registry, sources),
        failed=SyncResult.FAILED,
        has_time=has_time,
        report=lambda fault, stored: report(fault, stored.trigger.id),
    )


def _repair_unless_moved_on(stored: StoredTrigger, registry: RegistryWriter, sources: TriggerSources) -> SyncResult:
    try:
        return _repair(stored, registry, sources)
    except Stale:
        # Somebody else has it now, who will bring it into step: an editor, or a watchdog at the same time.
        return SyncResult.MOVED_ON


def _repair(stored: StoredTrigger, registry: RegistryWriter, sources: TriggerSources) -> SyncResult:
    locked = registry.lock_trigger(stored.trigger, _time_to_change())
    with _unlock_on_failure(locked, registry):
        if not locked.confirmed:
            _undo_creation(locked, registry, sources)
            return SyncResult.UNDONE
        _restore(stored._replace(trigger=locked), registry, sources)
        return SyncResult.RESTORED


@contextmanager
def _unlock_on_failure(locked: FunctionTrigger, registry: RegistryWriter) -> Iterator[None]:
    """Who comes next need not wait until our time is up: an editor, or the watchdog."""
    try:
        yield
    except Exception:
        with suppress(ServiceError):
            registry.lock_trigger(locked, clock.now())
        raise


def _restore(locked: StoredTrigger, registry: RegistryWriter, sources: TriggerSources) -> None:
    """Bring schedule or rule to what is written, and let go."""
    with suppress(BusMissing):  # deleted with all that stood on it: there is nothing left to bring into step
        sources.sync(locked.trigger)
    registry.change_trigger(locked.trigger, locked._replace(trigger=locked.trigger.evolve(locked_until=None)))


@contextmanager
def _locked(before: FunctionTrigger, registry: RegistryWriter, sources: TriggerSources) -> Iterator[FunctionTrigger]:
    if before.locked_until is not None and before.locked_until > clock.now():
        raise BeingChanged
    locked = registry.lock_trigger(before, _time_to_change())
    try:
        yield locked
    except Exception:
        with suppress(ServiceError):
            _restore_if_still_locked(locked, registry, sources)
        raise


def _restore_if_still_locked(locked: FunctionTrigger, registry: RegistryWriter, sources: TriggerSources) -> None:
    """Our last write may have been made although its answer was lost: what is written now decides."""
    written = registry.read_trigger(locked.id)
    if written is None or written.trigger.locked_until != locked.locked_until:
        return
    with _unlock_on_failure(written.trigger, registry):
        _restore(written, registry, sources)


def _concerns_source(before: FunctionTrigger, after: FunctionTrigger) -> bool:
    if not before.needs_sync:
        return False
    changed = (before.enabled, before.metadata) != (after.enabled, after.metadata)
    return changed or before.locked_until is not None
