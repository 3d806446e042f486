"""PUT of functions and triggers: what may change, and what two editors may not do to each other."""

from typing import Any

import pytest

from tests.stack.driver import TeamFunction, Workspace, refusal


def function_of(workspace: Workspace, function: TeamFunction | None = None) -> dict[str, Any]:
    team = function or TeamFunction(workspace.local_stack).deploy("def handler(event, context):\n    return 'latest'\n")
    document: dict[str, Any] = workspace.http.get(f"/compute-functions/{workspace.register(team)}").json()
    return document


def test_a_function_is_renamed_and_its_old_name_is_free(workspace: Workspace) -> None:
    function = function_of(workspace)
    path = f"/compute-functions/{function['id']}"

    response = workspace.http.put(path, json={"name": "renamed"}, headers={"If-Match": '"1"'})

    assert response.status_code == 200
    assert response.headers["etag"] == '"2"'
    changed = workspace.http.get(path).json()
    assert changed == response.json()
    assert (changed["name"], changed["version"], changed["createdAt"]) == ("renamed", 2, function["createdAt"])
    assert workspace.register(function["functionArn"], name=function["name"])
    taken = workspace.http.put(path, json={"name": function["name"], "version": 2})
    assert refusal(taken)[:2] == (409, "NAME_TAKEN")


def test_what_a_get_answered_can_be_changed_and_put_back(workspace: Workspace) -> None:
    function = function_of(workspace)
    path = f"/compute-functions/{function['id']}"
    assert workspace.http.put(path, json=function | {"name": "edited"}).json()["name"] == "edited"
    trigger_path = f"/function-triggers/{workspace.trigger(function['id'], params={'a': 1})}"
    trigger = workspace.http.get(trigger_path).json()
    edited = trigger | {"enabled": False, "triggerMetadata": {"params": {"b": 2}}}
    changed = workspace.http.put(trigger_path, json=edited)
    assert changed.status_code == 200, changed.text
    read = workspace.http.get(trigger_path).json()
    assert (read["enabled"], read["triggerMetadata"], read["version"]) == (False, {"params": {"b": 2}}, 2)


def test_the_alias_of_the_same_lambda_may_change_and_new_runs_follow_it(workspace: Workspace) -> None:
    team = TeamFunction(workspace.local_stack).deploy("def handler(event, context):\n    return 'stable'\n")
    version = team.client.publish_version(FunctionName=team.name)["Version"]
    team.client.create_alias(FunctionName=team.name, Name="stable", FunctionVersion=version)
    team.client.create_alias(FunctionName=team.name, Name="dev", FunctionVersion="$LATEST")
    team.deploy("def handler(event, context):\n    return 'newest'\n")
    function = function_of(workspace, team)
    trigger = workspace.trigger(function["id"])
    results = {}
    for seen, alias in enumerate(("stable", "dev"), start=1):
        change = {"functionArn": f"{team.arn}:{alias}", "version": seen}
        assert workspace.http.put(f"/compute-functions/{function['id']}", json=change).status_code == 200
        results[alias] = workspace.ended(workspace.execute(trigger), include="result")
    assert {alias: run["result"] for alias, run in results.items()} == {"stable": "stable", "dev": "newest"}
    assert results["dev"]["functionVersion"].isdigit(), "an alias on $LATEST is published"
    rerun = workspace.ended(workspace.rerun(results["stable"]["id"]), include="result")
    assert rerun["result"] == "stable"


def test_an_arn_of_another_lambda_is_refused(workspace: Workspace) -> None:
    function = function_of(workspace)
    another = TeamFunction(workspace.local_stack).deploy("def handler(event, context): pass\n")
    response = workspace.http.put(
        f"/compute-functions/{function['id']}", json={"functionArn": another.arn, "version": 1}
    )
    assert (response.status_code, response.json()["field"]) == (400, "functionArn")
    absent = workspace.http.put(
        f"/compute-functions/{function['id']}", json={"functionArn": function["functionArn"] + ":none", "version": 1}
    )
    assert (absent.status_code, absent.json()["field"]) == (400, "functionArn")


def test_of_two_editors_who_read_the_same_version_the_second_is_refused(workspace: Workspace) -> None:
    trigger = workspace.trigger(function_of(workspace)["id"], params={"a": 0})
    path = f"/function-triggers/{trigger}"
    first = workspace.http.put(path, json={"triggerMetadata": {"params": {"a": 1}}}, headers={"If-Match": '"1"'})
    second = workspace.http.put(path, json={"triggerMetadata": {"params": {"a": 2}}}, headers={"If-Match": '"1"'})
    assert first.status_code == 200
    assert refusal(second)[:2] == (412, "STALE")
    assert workspace.http.get(path).json()["triggerMetadata"]["params"] == {"a": 1}


def test_a_put_has_to_name_the_version_that_it_changes(workspace: Workspace) -> None:
    function = function_of(workspace)
    response = workspace.http.put(f"/compute-functions/{function['id']}", json={"name": "blind"})
    assert refusal(response)[:2] == (428, "VERSION_REQUIRED")


def test_a_version_that_is_no_number_is_refused(workspace: Workspace) -> None:
    function = function_of(workspace)
    nonsense = workspace.http.put(
        f"/compute-functions/{function['id']}", json={"name": "x"}, headers={"If-Match": "yes"}
    )
    assert (nonsense.status_code, nonsense.json()["field"]) == (400, "If-Match")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "another"}, "id"),
        ({"functionId": "another"}, "functionId"),
        ({"executionType": "scheduled"}, "executionType"),
        ({"createdAt": "2020-01-01T00:00:00.000Z"}, "createdAt"),
        ({"enabled": "no"}, "enabled"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"triggerMetadata": {"parms": {}}}, "triggerMetadata.parms"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_what_cannot_be_changed_is_refused_by_name(workspace: Workspace, change: dict[str, Any], field: str) -> None:
    trigger = workspace.trigger(function_of(workspace)["id"])
    response = workspace.http.put(f"/function-triggers/{trigger}", json=change | {"version": 1})
    assert (response.status_code, response.json().get("field")) == (400, field), response.text
    assert workspace.http.get(f"/function-triggers/{trigger}").json()["version"] == 1


def test_a_disabled_trigger_starts_no_run_and_its_runs_can_still_be_rerun(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    run = workspace.execute(trigger)
    workspace.http.put(f"/function-triggers/{trigger}", json={"enabled": False, "version": 1})
    refused = workspace.http.post(f"/function-triggers/{trigger}/execute")
    assert refusal(refused)[:2] == (409, "TRIGGER_DISABLED")
    assert workspace.post_rerun(run).status_code == 202


def test_nobody_changes_what_is_anothers(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    response = workspace.other().http.put(f"/function-triggers/{trigger}", json={"enabled": False, "version": 1})
    assert response.status_code == 404
