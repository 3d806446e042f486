"""Every kind of trigger starts runs by the AWS service made for it, and they are re-run like any other."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.stack.driver import ECHO, TeamFunction, Workspace
from tests.stack.sources import create, post_webhook, put_event, soon, the_run

# Returns the very text that it was invoked with, as far as Python's reader and writer leave it alone.
Fire = Callable[[Workspace, str], tuple[str, dict[str, Any]]]
CONTENT = {"orderId": "o-1", "amount": 1.0, "huge": 12345678901234567890, "text": "ü  ", "nested": {"a": 1, "b": [1]}}


def on_demand(workspace: Workspace, function: str) -> tuple[str, dict[str, Any]]:
    trigger = create(workspace, function, "on-demand", {"params": CONTENT})
    return workspace.execute(trigger["id"]), {"triggerType": "on-demand", "executionSource": "trigger"}


def scheduled(workspace: Workspace, function: str) -> tuple[str, dict[str, Any]]:
    once = {"scheduleType": "once", "at": soon(), "params": CONTENT}
    trigger = create(workspace, function, "scheduled", once)
    return the_run(workspace, trigger["id"]), {"triggerType": "scheduled", "executionSource": "scheduled"}


def event_driven(workspace: Workspace, function: str) -> tuple[str, dict[str, Any]]:
    trigger = create(workspace, function, "event-driven", {"eventPattern": {"source": ["shop"]}})
    put_event(workspace, CONTENT)
    return the_run(workspace, trigger["id"]), {"triggerType": "event-driven", "executionSource": "event"}


def http_trigger(workspace: Workspace, function: str) -> tuple[str, dict[str, Any]]:
    trigger = create(workspace, function, "http-trigger", {"path": "orders/new"})
    answer = post_webhook(workspace, "orders/new", json.dumps(CONTENT), secret=trigger["secret"])
    return str(answer.json()["jobId"]), {"triggerType": "http-trigger", "executionSource": "webhook"}


KINDS: list[Fire] = [on_demand, scheduled, event_driven, http_trigger]


def content(parameters: dict[str, Any], fire: Fire) -> dict[str, Any]:
    """Where the kind puts what has come in."""
    if fire is event_driven:
        return {name: value for name, value in parameters["detail"].items() if name != "workspace"}
    if fire is http_trigger:
        return dict(parameters["payload"])
    return {name: value for name, value in parameters.items() if name != "scheduledTime"}


@pytest.fixture(scope="module")
def echo(local_stack: Any) -> TeamFunction:
    return TeamFunction(local_stack).deploy(ECHO)


def text_of(document: Any) -> str:
    return json.dumps(document)


@pytest.mark.parametrize("fire", KINDS, ids=lambda fire: fire.__name__)
def test_it_starts_a_run_which_is_rerun_byte_for_byte_and_with_an_override(
    workspace: Workspace, echo: TeamFunction, fire: Fire
) -> None:
    started, options = fire(workspace, workspace.register(echo))
    original = workspace.ended(started, include="parameters,result")
    assert original["status"] == "completed"
    assert {name: original[name] for name in options} == options
    assert text_of(content(original["parameters"], fire)) == text_of(CONTENT)
    # The function received what was stored, and gives it back.
    assert text_of(original["result"]) == text_of(original["parameters"])

    again = workspace.ended(workspace.rerun(started), include="parameters,result")
    assert again["triggerType"] == options["triggerType"]
    assert text_of(again["result"]) == text_of(original["result"])
    assert text_of(again["parameters"]) == text_of(original["parameters"])

    changed = workspace.ended(workspace.rerun(started, overrideParams={"extra": {"n": 2}}), include="result")
    assert text_of(changed["result"]) == text_of(original["parameters"] | {"extra": {"n": 2}})
    assert workspace.history(started)["rerunCount"] == 2


def test_parameters_of_a_schedule_hold_its_moment(workspace: Workspace, echo: TeamFunction) -> None:
    at = soon()
    trigger = create(workspace, workspace.register(echo), "scheduled", {"scheduleType": "once", "at": at})
    run = workspace.run(the_run(workspace, trigger["id"]), include="parameters")
    assert run["parameters"] == {"scheduledTime": at.replace("+00:00", "Z")}


def test_parameters_of_an_event_are_the_event_whole(workspace: Workspace, echo: TeamFunction) -> None:
    pattern = {"detail-type": ["Order Placed"], "detail": {"orderId": [{"exists": True}]}}
    trigger = create(workspace, workspace.register(echo), "event-driven", {"eventPattern": pattern})
    put_event(workspace, {"orderId": "o-7"})
    event = workspace.run(the_run(workspace, trigger["id"]), include="parameters")["parameters"]
    assert event.keys() == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }
    assert event["detail"] == {"workspace": workspace.name, "orderId": "o-7"}


def test_a_trigger_of_any_kind_may_be_executed_by_hand(workspace: Workspace, echo: TeamFunction) -> None:
    trigger = create(workspace, workspace.register(echo), "http-trigger", {"path": "x", "params": {"a": 1}})
    run = workspace.ended(workspace.execute(trigger["id"], payload={"b": 2}), include="parameters")
    assert (run["executionSource"], run["parameters"]) == ("manual", {"a": 1, "b": 2})


@pytest.mark.parametrize("fire", KINDS, ids=lambda fire: fire.__name__)
def test_runs_outlive_their_trigger_and_function_but_are_not_rerun_without_them(
    workspace: Workspace, echo: TeamFunction, fire: Fire
) -> None:
    function = workspace.register(echo)
    started, _ = fire(workspace, function)
    trigger = workspace.ended(started)["triggerId"]
    rerun = workspace.rerun(started)

    assert workspace.http.delete(f"/compute-functions/{function}").status_code == 200
    refused = workspace.post_rerun(started)
    assert (refused.status_code, refused.json()["message"]) == (400, f"Function not found for trigger: {trigger}")

    assert workspace.http.delete(f"/function-triggers/{trigger}").status_code == 200
    refused = workspace.post_rerun(started)
    message = "Original trigger not found. It may have been deleted."
    assert (refused.status_code, refused.json()["message"]) == (400, message)

    assert workspace.ended(started, include="parameters")["status"] == "completed"
    assert [each["id"] for each in workspace.history(started)["reruns"]] == [rerun]
