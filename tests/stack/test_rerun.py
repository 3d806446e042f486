"""POST …/function-runs/{runId}/rerun and its history, over HTTP, in the contract's words."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from tests.stack.driver import ECHO, TeamFunction, Workspace, accepted, until

FAILS_ON_EMPTY = "def handler(event, context):\n    return 1 / len(event['items'])\n"


def test_a_rerun_executes_with_the_original_parameters(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(params={"currency": "EUR"})
    original = workspace.execute(trigger, payload={"orderId": "o-1"})
    workspace.ended(original)

    rerun = workspace.ended(workspace.rerun(original), include="parameters,result,overrides")

    assert rerun["status"] == "completed"
    assert rerun["parameters"] == rerun["result"] == {"currency": "EUR", "orderId": "o-1"}
    assert rerun["overrides"] is None


def test_a_rerun_is_in_the_history_the_moment_post_answered(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)
    for count in range(1, 6):
        rerun = workspace.rerun(original)
        history = workspace.history(original)
        assert history["rerunCount"] == count
        assert history["reruns"][-1]["id"] == rerun


def test_a_rerun_of_a_rerun_copies_that_run_and_points_to_the_original(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger, payload={"n": 1})
    first = workspace.rerun(original, overrideParams={"n": 2})
    workspace.ended(first)

    second = workspace.ended(workspace.rerun(first), include="parameters")

    assert second["parameters"] == {"n": 2}
    assert second["originalRunId"] == original
    assert second["sourceRunId"] == first
    assert [run["id"] for run in workspace.history(original)["reruns"]] == [first, second["id"]]
    assert workspace.run(original)["rerunCount"] == 2
    assert workspace.run(first)["rerunCount"] == 0


def test_history_asked_of_any_run_of_a_lineage_is_that_of_its_original(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)
    rerun = workspace.rerun(original)
    workspace.ended(rerun)
    assert workspace.history(rerun) == workspace.history(original)


def test_history_is_paged_oldest_first(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)
    reruns = [workspace.rerun(original) for _ in range(5)]

    seen, cursor = [], None
    while True:
        page = workspace.history(original, limit=2, **({"cursor": cursor} if cursor else {}))
        assert len(page["reruns"]) <= 2
        seen += [run["id"] for run in page["reruns"]]
        cursor = page["nextCursor"]
        if cursor is None:
            break

    assert seen == reruns


def test_a_run_without_reruns_has_an_empty_history(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)
    assert workspace.history(original) == {
        "originalRunId": original,
        "rerunCount": 0,
        "reruns": [],
        "nextCursor": None,
    }


def test_thirty_parallel_reruns_of_one_run_are_thirty_runs_executed_once_each(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger, payload={"n": 1})
    workspace.ended(original)

    with ThreadPoolExecutor(10) as callers:
        responses = list(callers.map(lambda _: workspace.post_rerun(original), range(30)))

    reruns = {accepted(response) for response in responses}
    assert len(reruns) == 30
    ended = [workspace.ended(rerun) for rerun in reruns]
    assert {(run["status"], run["executionAttempts"]) for run in ended} == {("completed", 1)}
    history = workspace.history(original, limit=100)
    assert history["rerunCount"] == 30
    assert {run["id"] for run in history["reruns"]} == reruns


def test_ten_deploys_later_a_rerun_executes_the_runs_version_and_use_latest_code_the_newest(
    workspace: Workspace,
) -> None:
    trigger, function = workspace.trigger_of("def handler(event, context):\n    return 'deploy 0'\n")
    original = workspace.ended(workspace.execute(trigger))
    for number in range(1, 11):
        function.deploy(f"def handler(event, context):\n    return 'deploy {number}'\n")

    pinned = workspace.ended(workspace.rerun(original["id"]), include="result")
    latest = workspace.ended(workspace.rerun(original["id"], useLatestCode=True), include="result")

    assert pinned["result"] == "deploy 0"
    assert pinned["functionVersionArn"] == original["functionVersionArn"]
    assert pinned["functionCodeHash"] == original["functionCodeHash"]
    assert latest["result"] == "deploy 10"
    assert latest["functionVersion"] != original["functionVersion"]
    assert latest["functionCodeHash"] != original["functionCodeHash"]


def test_a_version_deleted_meanwhile_gives_a_failed_run_that_says_so(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(ECHO)
    original = workspace.ended(workspace.execute(trigger))
    function.deploy("def handler(event, context):\n    return 'new'\n")
    function.client.delete_function(FunctionName=function.name, Qualifier=original["functionVersion"])

    rerun = workspace.ended(workspace.rerun(original["id"]), include="error")

    assert (rerun["status"], rerun["errorCode"]) == ("failure", "FunctionVersionNotFound")
    assert original["functionVersionArn"] in rerun["error"]["errorMessage"]


def test_runs_of_any_status_can_be_rerun(workspace: Workspace) -> None:
    gate = f"/tmp/{uuid4().hex}"
    waits = f"import os, time\ndef handler(event, context):\n    while not os.path.exists({gate!r}): time.sleep(0.01)\n"
    trigger, _ = workspace.trigger_of(waits)
    original = workspace.execute(trigger)
    until(lambda: workspace.run(original)["status"] == "running")

    rerun = workspace.rerun(original)

    Path(gate).touch()
    assert workspace.ended(rerun)["status"] == workspace.ended(original)["status"] == "completed"


def test_a_function_registered_by_alias_runs_the_aliass_version(workspace: Workspace) -> None:
    function = TeamFunction(workspace.local_stack).deploy("def handler(event, context):\n    return 'stable'\n")
    version = function.client.publish_version(FunctionName=function.name)["Version"]
    alias = function.client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=version)["AliasArn"]
    function.deploy("def handler(event, context):\n    return 'unreleased'\n")

    run = workspace.ended(workspace.execute(workspace.trigger(workspace.register(alias))), include="result")

    assert (run["result"], run["functionVersion"]) == ("stable", version)


def test_the_answer_names_the_new_run_and_the_run_in_the_path(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)

    response = workspace.post_rerun(original)

    job = response.json()["jobId"]
    assert response.status_code == 202
    assert response.json() == {
        "jobId": job,
        "message": f"Re-run successfully queued. Original run {original} has been re-executed.",
    }
    assert response.headers["location"] == f"/workspace/{workspace.name}/api/v1/function-runs/{job}"
    assert workspace.run(job)["originalRunId"] == original
