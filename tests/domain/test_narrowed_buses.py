"""Buses that a workspace may no longer listen to: their events start nothing, and their triggers can only be closed."""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest
from handlers.domain.registry.trigger_sources import PermittedBuses
from handlers.domain.registry.trigger_sync import SyncResult
from handlers.domain.registry.triggers import delete_trigger
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.deliveries import Dropped, deliver, read_delivery
from tests.as_shown import as_shown
from tests.builders import WORKSPACE, an_act
from tests.domain.narrowing import OTHER_BUS, every_bus, everything, no_bus
from tests.domain.registry.syncing import a_minute_later, repaired
from tests.domain.starting.rerunning import request, rerun
from tests.domain.starting.test_deliveries import matched
from tests.domain.triggering import change, create
from tests.fakes import FakeClock, World


def test_the_event_of_a_bus_that_is_permitted_no_more_starts_nothing(world: World) -> None:
    trigger = create(world, "event-driven", OTHER_BUS).trigger
    delivery = read_delivery(matched(trigger.id, detail={"bucket": "b"}))
    no_bus(world)
    assert deliver(delivery, world.registry, world.start_deps, buses=world.buses) is Dropped.BUS_NOT_PERMITTED
    assert (world.runs.runs, world.runs.parts, world.queue.pushed) == ({}, {}, [])
    every_bus(world)
    assert isinstance(deliver(delivery, world.registry, world.start_deps, buses=world.buses), FunctionRun)


def test_events_of_the_trigger_bus_need_no_permission(world: World) -> None:
    world.buses = PermittedBuses({})
    trigger = create(world, "event-driven").trigger
    delivery = read_delivery(matched(trigger.id))
    assert isinstance(deliver(delivery, world.registry, world.start_deps, buses=world.buses), FunctionRun)


def test_a_run_that_the_bus_has_started_is_rerun_because_its_function_is_permitted(world: World) -> None:
    trigger = create(world, "event-driven", OTHER_BUS).trigger
    delivery = read_delivery(matched(trigger.id, detail={"bucket": "b"}))
    run = deliver(delivery, world.registry, world.start_deps, buses=world.buses)
    assert isinstance(run, FunctionRun)
    no_bus(world)
    assert rerun(request(run.id), world).source_run_id == run.id


def change_of(world: World, trigger_id: str, **body: Any) -> Callable[[], object]:
    return lambda: change(world, trigger_id, **body)


def test_such_a_trigger_is_disabled_and_deleted_and_leaves_no_rule(world: World) -> None:
    trigger = create(world, "event-driven", OTHER_BUS).trigger
    no_bus(world)
    assert not change(world, trigger.id, enabled=False).trigger.enabled
    assert not world.aws.synced
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert not world.registry.triggers


def test_such_a_trigger_is_deleted_while_it_is_enabled(world: World) -> None:
    trigger = create(world, "event-driven", OTHER_BUS).trigger
    no_bus(world)
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert not world.registry.triggers
    assert not world.aws.synced


def test_what_a_get_answered_is_put_back_disabled(world: World) -> None:
    shown = as_shown(create(world, "event-driven", OTHER_BUS))
    no_bus(world)
    change(world, shown["id"], triggerMetadata=shown["triggerMetadata"], enabled=False)
    assert not world.aws.synced


@pytest.mark.parametrize(
    ("enabled", "body"),
    [
        (False, {"enabled": True}),
        (False, {"enabled": True, "triggerMetadata": OTHER_BUS}),
        (True, {"triggerMetadata": OTHER_BUS | {"eventPattern": {"source": ["aws.ec2"]}}}),
    ],
    ids=["enabled", "enabled as it was read", "another pattern"],
)
def test_such_a_trigger_is_not_enabled_nor_pointed_elsewhere(
    world: World, body: dict[str, Any], *, enabled: bool
) -> None:
    trigger = create(world, "event-driven", OTHER_BUS, enabled=enabled).trigger
    no_bus(world)
    before = everything(world)
    with pytest.raises(InvalidRequest, match="otherBuses") as refused:
        change(world, trigger.id, **body)
    assert refused.value.field == "triggerMetadata.eventBusName"
    assert everything(world) == before


def test_no_trigger_is_created_on_such_a_bus(world: World) -> None:
    no_bus(world)
    with pytest.raises(InvalidRequest, match="otherBuses"):
        create(world, "event-driven", OTHER_BUS)
    assert not world.registry.triggers
    assert not world.aws.synced


def test_a_disabled_one_may_say_what_it_would_listen_for(world: World) -> None:
    trigger = create(world, "event-driven", OTHER_BUS, enabled=False).trigger
    no_bus(world)
    changed = change(world, trigger.id, triggerMetadata=OTHER_BUS | {"eventPattern": {"source": ["aws.ec2"]}})
    assert as_shown(changed)["triggerMetadata"]["eventPattern"] == {"source": ["aws.ec2"]}
    assert not world.aws.synced


def test_the_watchdog_brings_a_half_changed_one_to_no_rule_once(world: World, time: FakeClock) -> None:
    trigger = create(world, "event-driven", OTHER_BUS).trigger
    world.registry.lock_trigger(trigger, time())
    no_bus(world)
    assert a_minute_later(world, time) == [SyncResult.RESTORED]
    assert not world.aws.synced
    assert repaired(world) == []


@pytest.mark.parametrize("enabled", [True, False])
def test_the_watchdog_is_done_with_one_whose_bus_is_gone(world: World, time: FakeClock, *, enabled: bool) -> None:
    trigger = create(world, "event-driven", OTHER_BUS, enabled=enabled).trigger
    world.registry.lock_trigger(trigger, time())
    world.aws.missing_buses = {"default"}
    assert a_minute_later(world, time) == [SyncResult.RESTORED]
    assert repaired(world) == []
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert not world.registry.triggers


def test_a_trigger_on_a_bus_that_is_gone_is_disabled_but_neither_enabled_nor_created(
    world: World, time: FakeClock
) -> None:
    trigger = create(world, "event-driven", OTHER_BUS).trigger
    world.aws.missing_buses = {"default"}
    assert not change(world, trigger.id, enabled=False).trigger.enabled
    for attempt in (
        change_of(world, trigger.id, enabled=True),
        lambda: create(world, "event-driven", OTHER_BUS, name="b"),
    ):
        with pytest.raises(InvalidRequest, match="names no event bus") as refused:
            attempt()
        assert refused.value.field == "triggerMetadata.eventBusName"
    assert [each.trigger.enabled for each in world.registry.triggers.values()] == [False]
    assert a_minute_later(world, time) == []
