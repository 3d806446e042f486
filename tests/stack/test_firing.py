"""What EventBridge and its Scheduler deliver follows every change of a trigger, and starts each run once."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.stack.driver import Workspace, until
from tests.stack.sources import create, lambda_of, put, put_event, runs_of, soon, the_run
from tests.stack.test_captured import a_record

ORDERS = {"eventPattern": {"source": ["shop"]}}
AT_ONCE = 8


@pytest.fixture
def function(workspace: Workspace) -> str:
    trigger, _ = workspace.trigger_of()
    return str(workspace.trigger_document(trigger)["functionId"])


def numbers_that_came(workspace: Workspace, trigger: str) -> list[Any]:
    """What the events said that have started a run, the oldest first."""
    runs = runs_of(workspace, triggerId=trigger)[::-1]
    return [workspace.run(run["id"], include="parameters")["parameters"]["detail"]["n"] for run in runs]


def test_an_event_that_comes_while_its_trigger_is_disabled_starts_nothing(workspace: Workspace, function: str) -> None:
    trigger = create(workspace, function, "event-driven", ORDERS)
    disabled = put(workspace, trigger, enabled=False).json()
    put_event(workspace, {"n": 1})
    put(workspace, disabled, enabled=True)
    put_event(workspace, {"n": 2})
    until(lambda: numbers_that_came(workspace, trigger["id"]) == [2])


def test_an_event_starts_a_run_of_every_trigger_that_its_pattern_fits_now(workspace: Workspace, function: str) -> None:
    shop, till = (create(workspace, function, "event-driven", ORDERS) for _ in range(2))
    put(workspace, till, triggerMetadata={"eventPattern": {"source": ["till"]}})
    put_event(workspace, {"n": 1})
    put_event(workspace, {"n": 2}, source="till")
    until(lambda: numbers_that_came(workspace, shop["id"]) == [1])
    until(lambda: numbers_that_came(workspace, till["id"]) == [2])


def test_an_event_is_heard_by_all_triggers_that_wait_for_it(workspace: Workspace, function: str) -> None:
    triggers = [create(workspace, function, "event-driven", ORDERS)["id"] for _ in range(3)]
    put_event(workspace, {"n": 1})
    assert len({the_run(workspace, trigger) for trigger in triggers}) == 3


def test_what_lambda_tells_on_the_bus_is_for_no_tenant(workspace: Workspace, function: str) -> None:
    trigger = create(workspace, function, "event-driven", {"eventPattern": {"source": [{"exists": True}]}})
    arn = workspace.http.get(f"/compute-functions/{function}").json()["functionArn"]
    entry = {
        "EventBusName": workspace.local_stack.outputs["TriggerBusName"],
        "Source": "lambda",
        "DetailType": "Lambda Function Invocation Result - Failure",
        "Detail": json.dumps(a_record(arn)),
    }
    workspace.local_stack.client("events").put_events(Entries=[entry])
    put_event(workspace, {"n": 1})
    until(lambda: numbers_that_came(workspace, trigger["id"]) == [1])


def test_a_schedule_that_was_put_off_comes_at_its_new_moment_only(workspace: Workspace, function: str) -> None:
    trigger = create(workspace, function, "scheduled", {"scheduleType": "once", "at": soon(3)})
    later = soon(4)
    put_off = put(workspace, trigger, triggerMetadata={"scheduleType": "once", "at": later})
    assert put_off.status_code == 200
    run = workspace.run(the_run(workspace, trigger["id"]), include="parameters")
    assert run["parameters"] == {"scheduledTime": later.replace("+00:00", "Z")}


def test_an_interval_starts_nothing_before_its_first_moment_whatever_is_changed(
    workspace: Workspace, function: str
) -> None:
    hourly = {"scheduleType": "interval", "interval": 3600}
    trigger = create(workspace, function, "scheduled", hourly)
    for change in ({"triggerMetadata": hourly | {"interval": 7200}}, {"enabled": False}, {"enabled": True}):
        trigger = put(workspace, trigger, **change).json()
    # Once this has come, Scheduler has looked at all schedules.
    other = create(workspace, function, "scheduled", {"scheduleType": "once", "at": soon()})
    the_run(workspace, other["id"])
    assert runs_of(workspace, triggerId=trigger["id"]) == []


def test_a_moment_that_has_passed_does_not_come_again_when_its_trigger_is_enabled_again(
    workspace: Workspace, function: str
) -> None:
    trigger = create(workspace, function, "scheduled", {"scheduleType": "once", "at": soon()})
    run = the_run(workspace, trigger["id"])
    for enabled in (False, True):
        changed = put(workspace, trigger, enabled=enabled)
        assert changed.status_code == 200
        trigger = changed.json()
    other = create(workspace, function, "scheduled", {"scheduleType": "once", "at": soon()})
    the_run(workspace, other["id"])
    assert [each["id"] for each in runs_of(workspace, triggerId=trigger["id"])] == [run]


@pytest.mark.parametrize("kind", ["scheduled", "event-driven"])
def test_what_is_delivered_many_times_at_once_starts_one_run(workspace: Workspace, function: str, kind: str) -> None:
    never = {"scheduleType": "once", "at": "2099-01-01T00:00:00Z"}
    trigger = create(workspace, function, kind, never if kind == "scheduled" else ORDERS)["id"]
    delivered: dict[str, Any] = {
        "scheduled": {"scheduledTime": "2026-12-24T18:00:00Z"},
        "event-driven": {"event": {"id": str(uuid4()), "detail": {"workspace": workspace.name, "n": 1}}},
    }
    delivery = {"triggerId": trigger} | delivered[kind]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: lambda_of(workspace, "on_event", delivery), range(AT_ONCE)))
    run = the_run(workspace, trigger)
    assert answers == [{"jobId": run}] * AT_ONCE
    assert workspace.ended(run)["executionAttempts"] == 1


@pytest.mark.parametrize("gone", ["trigger", "function"])
def test_a_delivery_for_what_was_deleted_is_dropped(workspace: Workspace, function: str, gone: str) -> None:
    trigger = create(workspace, function, "event-driven", ORDERS)["id"]
    path = {"trigger": f"/function-triggers/{trigger}", "function": f"/compute-functions/{function}"}[gone]
    assert workspace.http.delete(path).status_code == 200
    event = {"id": str(uuid4()), "detail": {"workspace": workspace.name}}
    assert lambda_of(workspace, "on_event", {"triggerId": trigger, "event": event}) == {"dropped": f"no such {gone}"}
