"""A trigger for a single moment, before and after it."""

from datetime import datetime, timedelta

import pytest

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.entities import StoredTrigger
from handlers.domain.registry.trigger_sync import SyncResult
from tests.domain.registry.syncing import a_minute_later, in_step
from tests.domain.triggering import Json, change, create
from tests.fakes import FakeClock, World


def once(moment: datetime) -> Json:
    return {"scheduleType": "once", "at": clock.iso(moment)}


def test_a_moment_that_passes_while_its_trigger_is_created_is_refused_and_leaves_nothing(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = world.registry.add_trigger

    def add_slowly(stored: StoredTrigger) -> None:
        add(stored)
        time.advance(seconds=2)

    monkeypatch.setattr(world.registry, "add_trigger", add_slowly)
    with pytest.raises(InvalidRequest, match="has passed"):
        create(world, "scheduled", once(time() + timedelta(seconds=1)))
    assert (world.registry.triggers, world.aws.synced) == ({}, {})


def test_a_trigger_whose_moment_has_passed_can_be_renamed_disabled_enabled_and_repaired(
    world: World, time: FakeClock
) -> None:
    moment = time() + timedelta(seconds=1)
    trigger = create(world, "scheduled", once(moment)).trigger
    time.advance(seconds=2)
    change(world, trigger.id, name="renamed")
    change(world, trigger.id, enabled=False)
    change(world, trigger.id, enabled=True, triggerMetadata=once(moment))
    world.registry.lock_trigger(world.registry.triggers[trigger.id].trigger, time())
    assert a_minute_later(world, time) == [SyncResult.RESTORED]
    assert in_step(world)
