"""A stack that is deployed again with a narrower context: roles, settings and what was registered before, all real."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from infra.local.local_stack import LocalStack, bring_up
from infra.local.log_stream import LogStream
from tests.stack.driver import ECHO, TeamFunction, Workspace, refusal, until
from tests.stack.sources import (
    create,
    is_half_done,
    lambda_of,
    leave_half_done,
    post_trigger,
    post_webhook,
    put,
    put_event,
    runs_of,
)
from tests.stack.test_captured import a_record, deliver

WORKSPACE = "acme"
ON_DEFAULT_BUS = {"eventPattern": {"source": ["narrowed"]}, "eventBusName": "default"}
NO_FUNCTION = (403, "FUNCTION_NOT_PERMITTED")
ONCE_PERMITTED = {"otherBuses": {WORKSPACE: ["default"]}}
NARROWED = {"otherBuses": {}, "invokableFunctions": {WORKSPACE: ["arn:aws:lambda:*:*:function:another-*"]}}


class Registered(NamedTuple):
    """What was registered, and had run, while the context permitted it."""

    workspace: Workspace
    team: TeamFunction
    function: str
    trigger: str
    webhook: str
    listening: dict[str, Any]
    """An enabled trigger on the default bus; the next one is disabled."""
    silent: dict[str, Any]
    half_changed: dict[str, Any]
    run: str


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registered]:
    directory = tmp_path_factory.mktemp("narrowed")
    local_stack = bring_up(directory, context=ONCE_PERMITTED)
    try:
        with httpx.Client(timeout=60, trust_env=False) as connection:
            wide = register(local_stack, connection)
            # The same emulator: the stack on it is updated.
            bring_up(directory, context=NARROWED)
            yield wide
    finally:
        local_stack.take_down()


def register(local_stack: LocalStack, connection: httpx.Client) -> Registered:
    workspace = Workspace(local_stack, connection, WORKSPACE)
    team = TeamFunction(local_stack).deploy(ECHO)
    function = workspace.register(team)
    trigger = workspace.trigger(function)
    listening, silent, half_changed = (
        create(workspace, function, "event-driven", ON_DEFAULT_BUS, enabled=enabled) for enabled in (True, False, True)
    )
    create(workspace, function, "http-trigger", {"path": "hook", "signature": "none"})
    run = workspace.execute(trigger, payload={"a": 1})
    assert workspace.ended(run)["status"] == "completed"
    put_event(workspace, {}, source="narrowed", bus="default")
    until(lambda: runs_of(workspace, triggerId=listening["id"]))
    return Registered(workspace, team, function, trigger, "hook", listening, silent, half_changed, run)


def rules_on_default_bus(workspace: Workspace, trigger_id: str) -> list[str]:
    found = workspace.local_stack.client("events").list_rules(NamePrefix=f"FunctionRerun-{trigger_id}")["Rules"]
    return [rule["Name"] for rule in found]


def test_who_executes_or_reruns_is_told_at_once(registered: Registered) -> None:
    workspace = registered.workspace
    before = runs_of(workspace)
    execute = workspace.http.post(f"/function-triggers/{registered.trigger}/execute")
    for answer in (
        execute,
        workspace.post_rerun(registered.run),
        workspace.post_rerun(registered.run, useLatestCode=True),
    ):
        assert refusal(answer)[:2] == NO_FUNCTION
    assert runs_of(workspace) == before


def test_nothing_new_is_opened_for_the_function(registered: Registered) -> None:
    workspace, function = registered.workspace, registered.function
    request = {"version": 1, "captureFailures": {"triggerId": registered.trigger}}
    assert refusal(workspace.http.put(f"/compute-functions/{function}", json=request))[:2] == NO_FUNCTION
    assert refusal(post_trigger(workspace, function, "on-demand", {}))[:2] == NO_FUNCTION
    once_more = {"name": "once more", "functionArn": registered.team.arn}
    assert refusal(workspace.http.post("/compute-functions", json=once_more))[:2] == (400, "INVALID_REQUEST")
    renamed = workspace.http.put(f"/compute-functions/{function}", json={"version": 1, "name": "renamed"})
    assert renamed.status_code == 200


def test_a_webhook_is_kept_and_its_run_fails_uninvoked(registered: Registered) -> None:
    accepted = post_webhook(registered.workspace, registered.webhook, '{"a": 1}', secret=None)
    run = registered.workspace.ended(accepted.json()["jobId"])
    assert (accepted.status_code, run["status"], run["errorCode"]) == (202, "failure", "FunctionAccessDenied")
    assert run["functionVersion"] is None


def test_no_failure_of_the_function_is_captured(registered: Registered) -> None:
    assert deliver(registered.workspace, a_record(registered.team.arn)) == {"batchItemFailures": []}
    assert not [run for run in runs_of(registered.workspace) if run["executionSource"] == "captured"]


def test_the_events_of_the_bus_start_nothing_and_its_triggers_can_be_disabled_and_deleted(
    registered: Registered,
) -> None:
    workspace, trigger = registered.workspace, registered.listening
    before = runs_of(workspace, triggerId=trigger["id"])
    log = LogStream(workspace.local_stack.client("logs"), workspace.local_stack.client("lambda"))
    put_event(workspace, {}, source="narrowed", bus="default")
    dropped = "not a bus that the workspace may listen to"
    until(lambda: any(dropped in line and trigger["id"] in line for _, line in log.unread()))
    assert runs_of(workspace, triggerId=trigger["id"]) == before

    disabled = put(workspace, trigger, enabled=False, triggerMetadata=trigger["triggerMetadata"])
    assert (disabled.status_code, disabled.json()["enabled"]) == (200, False)
    assert rules_on_default_bus(workspace, trigger["id"]) == []
    status, code, message = refusal(put(workspace, disabled.json(), enabled=True))
    assert (status, code, "otherBuses" in message) == (400, "INVALID_REQUEST", True)
    assert workspace.http.delete(f"/function-triggers/{trigger['id']}").status_code == 200


def test_none_is_enabled_or_created_on_the_bus(registered: Registered) -> None:
    workspace = registered.workspace
    for answer in (
        put(workspace, registered.silent, enabled=True),
        post_trigger(workspace, registered.function, "event-driven", ON_DEFAULT_BUS),
    ):
        assert (answer.status_code, answer.json()["field"]) == (400, "triggerMetadata.eventBusName")
    assert workspace.http.delete(f"/function-triggers/{registered.silent['id']}").status_code == 200
    assert rules_on_default_bus(workspace, registered.silent["id"]) == []


def test_the_watchdog_takes_away_the_rule_of_a_half_changed_one(registered: Registered) -> None:
    workspace, trigger = registered.workspace, registered.half_changed
    leave_half_done(workspace, trigger["id"])
    assert rules_on_default_bus(workspace, trigger["id"])
    lambda_of(workspace, "watchdog", {})
    until(lambda: not is_half_done(workspace, trigger["id"]))
    assert rules_on_default_bus(workspace, trigger["id"]) == []
    assert workspace.http.delete(f"/function-triggers/{trigger['id']}").status_code == 200


def test_a_role_that_has_lost_its_grants_is_answered_500_and_an_alarm_is_told(registered: Registered) -> None:
    workspace = registered.workspace
    configuration = workspace.local_stack.client("lambda").get_function_configuration(
        FunctionName="FunctionRerun-api-cancel"
    )
    role = configuration["Role"].rpartition("/")[2]
    iam = workspace.local_stack.client("iam")
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=policy)
    log = LogStream(workspace.local_stack.client("logs"), workspace.local_stack.client("lambda"))
    log.unread()
    answer = workspace.http.post(f"/function-runs/{registered.run}/cancel")
    assert refusal(answer)[:2] == (500, "SERVICE_MISCONFIGURED")
    until(lambda: any('"PermanentFaults"' in line for _, line in log.unread()))
