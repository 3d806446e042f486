"""POST …/function-runs/{runId}/experiments and what it says: each verdict comes true on the deployed stack.

The functions read a file of the world, whose content the test decides on, or fail at random, by a seed that the test
has chosen.
"""

import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from infra.local.local_stack import LocalStack
from tests.stack.driver import TeamFunction, Workspace, refusal, until

# `at` differs each time, like the ids and times that functions put into their results.
READS_THE_WORLD = """
def handler(event, context):
    with open(event['world']) as file:
        return {'price': file.read(), 'by': '%s', 'at': context.aws_request_id}
"""
# Each execution draws a number of its own: a file that is appended to is as long as there were executions before.
FAILS_AT_RANDOM = """
import random
def handler(event, context):
    with open(event['counter'], 'ab', buffering=0) as file:
        file.write(b'x')
        executions = file.tell()
    if random.Random(f"{event['seed']}-{executions}").random() < 0.5:
        raise TimeoutError('the warehouse does not answer')
    return 'ok'
"""
IGNORE = ["/at"]
SECRET = 4711


@dataclass
class World:
    """A run that has read the world as it was, and the functions that would read it now."""

    workspace: Workspace
    file: Path
    function: TeamFunction
    original: str
    versions: dict[str, str]
    """By what their results say that they come from."""
    staging: str

    def changes(self) -> None:
        self.file.write_text("the new price")


@pytest.fixture(scope="module")
def world(local_stack: LocalStack, connection: httpx.Client, tmp_path_factory: pytest.TempPathFactory) -> World:
    workspace = Workspace(local_stack, connection)
    file = tmp_path_factory.mktemp("world") / "price"
    file.write_text("the old price")
    trigger, function = workspace.trigger_of(READS_THE_WORLD % "old", params={"world": str(file), "secret": SECRET})
    original = workspace.ended(workspace.execute(trigger))
    unchanged = workspace.ended(workspace.rerun(original["id"], useLatestCode=True))
    assert original["functionVersion"] == unchanged["functionVersion"]
    function.deploy(READS_THE_WORLD % "new")
    new = workspace.ended(workspace.rerun(original["id"], useLatestCode=True))
    versions = {"old": original["functionVersion"], "new": new["functionVersion"]}
    staging = workspace.register(TeamFunction(local_stack).deploy(READS_THE_WORLD % "staging"))
    return World(workspace, file, function, original["id"], versions, staging)


def start(workspace: Workspace, run_id: str, **body: Any) -> dict[str, Any]:
    response = workspace.http.post(f"/function-runs/{run_id}/experiments", json=body)
    assert response.status_code == 202, response.text
    document: dict[str, Any] = response.json()
    assert response.headers["Location"].endswith(f"/{run_id}/experiments/{document['experimentId']}")
    return document


def experiment(workspace: Workspace, run_id: str, started: dict[str, Any]) -> dict[str, Any]:
    response = workspace.http.get(f"/function-runs/{run_id}/experiments/{started['experimentId']}")
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def over(workspace: Workspace, run_id: str, started: dict[str, Any]) -> dict[str, Any]:
    """The experiment once it has a verdict."""
    until(lambda: experiment(workspace, run_id, started)["verdict"])
    return experiment(workspace, run_id, started)


def verdicts(world: World, *bodies: dict[str, Any]) -> list[str]:
    started = [start(world.workspace, world.original, ignore=IGNORE, **body) for body in bodies]
    return [over(world.workspace, world.original, each)["verdict"] for each in started]


def test_each_verdict_comes_true(world: World) -> None:
    """Ten experiments: in the world as it was, and in the world as it is."""
    old, new = {"candidateVersion": world.versions["old"]}, {"candidateVersion": world.versions["new"]}
    latest, staging = {"candidateVersion": "latest"}, {"candidateFunctionId": world.staging}
    assert verdicts(world, old, latest, new, staging, {"repeats": 4}) == ["same", "code", "code", "code", "code"]
    unforgiving = start(world.workspace, world.original, **old)
    assert over(world.workspace, world.original, unforgiving)["verdict"] == "flaky", "each result has an id of its own"
    world.changes()
    every = ["world", "code-and-world", "code-and-world", "code-and-world"]
    assert verdicts(world, old, latest, new, staging) == every


def test_a_version_that_is_gone_tells_nothing(world: World) -> None:
    workspace = world.workspace
    trigger, function = workspace.trigger_of(READS_THE_WORLD % "one", params={"world": str(world.file)})
    run = workspace.ended(workspace.execute(trigger))
    function.deploy(READS_THE_WORLD % "two")
    function.client.delete_function(FunctionName=function.name, Qualifier=run["functionVersion"])
    found = over(workspace, run["id"], start(workspace, run["id"]))
    assert (found["verdict"], found["reasons"]) == ("inconclusive", ["not-executed"])
    assert {each["errorCode"] for each in found["pinned"]} == {"FunctionVersionNotFound"}
    assert {each["status"] for each in found["candidate"]} == {"completed"}


def a_seed_by_which_one_of_four_is_otherwise() -> int:
    """After the original run, which is the first: then a side disagrees with itself, whichever executes when."""

    def fails(seed: int, executions: int) -> bool:
        return random.Random(f"{seed}-{executions}").random() < 0.5

    return next(seed for seed in range(100) if sum(fails(seed, number) for number in (2, 3, 4, 5)) in (1, 3))


def test_a_function_that_fails_at_random_is_flaky(workspace: Workspace, tmp_path: Path) -> None:
    params = {"counter": str(tmp_path / "counter"), "seed": a_seed_by_which_one_of_four_is_otherwise()}
    trigger, _ = workspace.trigger_of(FAILS_AT_RANDOM, params=params)
    run = workspace.execute(trigger)
    workspace.ended(run)
    assert over(workspace, run, start(workspace, run))["verdict"] == "flaky"


def test_its_runs_are_re_runs_of_the_lineage_that_name_it(world: World) -> None:
    workspace = world.workspace
    before = workspace.run(world.original)["rerunCount"]
    started = start(workspace, world.original, reason="Is it the fix?")
    runs = [*started["pinned"], *started["candidate"]]
    assert workspace.run(world.original)["rerunCount"] == before + len(runs)
    history = [each for each in workspace.history(world.original, limit=100)["reruns"] if each["id"] in runs]
    assert {(each["executionSource"], each["experimentId"]) for each in history} == {
        ("experiment", started["experimentId"])
    }
    ended = [workspace.ended(each) for each in runs]
    assert {each["rerunReason"] for each in ended} == {"Is it the fix?"}
    assert {each["functionVersion"] for each in ended[:2]} == {world.versions["old"]}
    assert {each["functionVersion"] for each in ended[2:]} == {world.versions["new"]}


def test_twenty_requests_under_one_key_start_one_experiment(world: World) -> None:
    workspace = world.workspace
    before = workspace.run(world.original)["rerunCount"]
    path, key = f"/function-runs/{world.original}/experiments", {"Idempotency-Key": uuid4().hex}
    with ThreadPoolExecutor(10) as callers:
        answers = list(
            callers.map(lambda _: workspace.http.post(path, json={"repeats": 3}, headers=key).json(), range(20))
        )
    assert answers == [answers[0]] * 20
    assert workspace.run(world.original)["rerunCount"] == before + 6
    other = workspace.http.post(path, json={"repeats": 2}, headers=key)
    assert refusal(other)[:2] == (409, "IDEMPOTENCY_KEY_REUSED")


def test_who_may_not_reveal_sees_the_runs_and_no_verdict(world: World) -> None:
    workspace = world.workspace
    started = start(workspace, world.original)
    found = over(workspace, world.original, started)
    reader = workspace.as_caller("bob", f"{workspace.name}/function-runs:read")
    seen = experiment(reader, world.original, started)
    assert (seen["verdict"], seen["reasons"], seen["noVerdict"]) == (None, [], "reveal-required")
    assert (found["ignore"], seen["ignore"], seen["by"]) == ([], None, found["by"])
    unchanged = {name for name in found if name not in ("verdict", "reasons", "noVerdict", "ignore")}
    assert {name: seen[name] for name in unchanged} == {name: found[name] for name in unchanged}
    assert {each["status"] for each in seen["pinned"]} == {"completed"}


def test_an_experiment_of_another_workspace_is_as_good_as_none(world: World) -> None:
    other = world.workspace.other()
    started = start(world.workspace, world.original)
    path = f"/function-runs/{world.original}/experiments"
    assert refusal(other.http.get(f"{path}/{started['experimentId']}")) == (404, "NOT_FOUND", "Experiment not found.")
    assert refusal(other.http.post(path, json={}))[1] == "WRONG_WORKSPACE"
    theirs = other.register(world.function)
    response = world.workspace.http.post(path, json={"candidateFunctionId": theirs})
    assert refusal(response) == (404, "NOT_FOUND", "Function not found.")
