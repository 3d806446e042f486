"""An event that cannot become a run is counted, and never a silent success."""

import json
from typing import Any

import pytest

from handlers import on_event, on_run_failed
from handlers.domain.errors import Unavailable
from handlers.domain.registry.trigger_sources import PermittedBuses
from handlers.domain.starting.deliveries import Dropped
from tests.builders import FUNCTION_ID, TRIGGER_ID, WORKSPACE
from tests.domain.starting.test_deliveries import matched, scheduled
from tests.domain.triggering import change, create
from tests.entry_points.events import CONTEXT
from tests.entry_points.in_memory import InMemory, wire
from tests.fakes import World


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    wire(monkeypatch, InMemory(world))
    return world


@pytest.fixture
def trigger(world: World) -> str:
    return create(world, "event-driven").trigger.id


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, float]:
    """What was counted since this was last asked."""
    found: dict[str, float] = {}
    for line in capsys.readouterr().out.splitlines():
        written = json.loads(line)
        if "_aws" in written:
            (directive,) = written["_aws"]["CloudWatchMetrics"]
            (metric,) = directive["Metrics"]
            found[metric["Name"]] = found.get(metric["Name"], 0) + written[metric["Name"]][0]
    return found


def deliver(event: Any) -> dict[str, str]:
    return on_event.lambda_handler(event, CONTEXT)


def test_an_event_that_becomes_a_run_is_not_counted_as_lost(trigger: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "jobId" in deliver(matched(trigger))
    assert counted(capsys) == {}


@pytest.mark.parametrize("event", [None, [], 7, "x", {}, {"triggerId": "x"}, {"a": {"b": float("inf")}}], ids=str)
def test_what_is_no_delivery_is_counted_as_lost(world: World, capsys: pytest.CaptureFixture[str], event: Any) -> None:
    assert "dropped" in deliver(event)
    assert counted(capsys) == {"EventsLost": 1}


def test_an_event_of_no_trigger_or_of_no_function_or_of_others_is_counted_as_lost(
    world: World, trigger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deliver(matched(TRIGGER_ID)) == deliver(scheduled(trigger)) == {"dropped": Dropped.NO_TRIGGER}
    assert deliver(matched(trigger, detail={"workspace": "globex"})) == {"dropped": Dropped.NOT_ITS_OWN}
    del world.registry.functions[FUNCTION_ID]
    assert deliver(matched(trigger)) == {"dropped": Dropped.NO_FUNCTION}
    assert counted(capsys) == {"EventsLost": 4}


def test_an_event_whose_trigger_can_no_longer_be_read_is_counted_as_lost(
    world: World, trigger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.cipher.broken = True
    assert deliver(matched(trigger)) == {"dropped": "TRIGGER_UNREADABLE"}
    assert counted(capsys) == {"EventsLost": 1}


def test_an_event_of_a_disabled_trigger_wakes_nobody(
    world: World, trigger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    change(world, trigger, enabled=False)
    assert deliver(matched(trigger)) == {"dropped": Dropped.DISABLED}
    assert counted(capsys) == {"EventsPassedOver": 1}


def test_an_event_of_a_bus_that_the_context_names_no_more_wakes_nobody(
    monkeypatch: pytest.MonkeyPatch, world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    pattern = {"eventPattern": {"source": ["shop"]}, "eventBusName": "default"}
    listening = create(world, "event-driven", pattern, name="listening").trigger.id
    world.buses = PermittedBuses({})
    wire(monkeypatch, InMemory(world))
    assert deliver(matched(listening)) == {"dropped": Dropped.BUS_NOT_PERMITTED}
    assert counted(capsys) == {"EventsPassedOver": 1}


def test_what_fails_for_now_is_raised_and_not_yet_lost(
    world: World, trigger: str, capsys: pytest.CaptureFixture[str]
) -> None:
    world.cipher.cannot_seal = True
    with pytest.raises(Unavailable):
        deliver(matched(trigger))
    assert counted(capsys) == {}


def test_an_event_that_tells_of_no_failure_is_counted_as_lost(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    for event in ({}, {"detail": {"functionRunId": "x", "workspace": WORKSPACE}}):
        assert "dropped" in on_run_failed.lambda_handler(event, CONTEXT)
    assert counted(capsys) == {"EventsLost": 2}
