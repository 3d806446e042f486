"""Triggers of every kind, as people create and change them."""

from typing import Any

from handlers.domain.registry.triggers import CreateTrigger, ShownTrigger, change_trigger, create_trigger
from tests.builders import FUNCTION_ID, WORKSPACE, a_function, an_act
from tests.fakes import World

Json = dict[str, Any]
METADATA: dict[str, Json] = {
    "on-demand": {},
    "scheduled": {"scheduleType": "interval", "interval": 3600},
    "event-driven": {"eventPattern": {"source": ["shop"], "detail": {"total": [{"numeric": [">", 1.0]}]}}},
    "http-trigger": {"path": "orders/new"},
}
KINDS = list(METADATA)
CRON = {"scheduleType": "cron", "cronExpression": "0 9 ? * MON-FRI *", "timezone": "Europe/Berlin"}
ONCE = {"scheduleType": "once", "at": "2026-12-24T18:00:00+01:00"}


def create(world: World, kind: str, metadata: Json | None = None, **more: Any) -> ShownTrigger:
    world.registry.functions[FUNCTION_ID] = a_function()
    body = {
        "name": f"{kind} trigger",
        "functionId": FUNCTION_ID,
        "executionType": kind,
        "triggerMetadata": METADATA[kind] if metadata is None else metadata,
    }
    return create_trigger(WORKSPACE, CreateTrigger.read(body | more), world.registry_deps, act=an_act())


def change(world: World, trigger_id: str, **body: Any) -> ShownTrigger:
    """By one who has seen the present version."""
    version = world.registry.triggers[trigger_id].trigger.version
    return change_trigger(
        WORKSPACE, trigger_id, {"version": version} | body, world.registry_deps, if_match=None, act=an_act()
    )
