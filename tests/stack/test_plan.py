"""POST …/rerun-plan on the deployed stack: what it says, what it costs, and what becomes of a re-run with its token."""

import json
from typing import Any

import pytest

from handlers import api_rerun, api_rerun_plan
from infra.local.local_stack import LocalStack
from tests.entry_points.events import CONTEXT, RERUN, http_event
from tests.stack.driver import TeamFunction, Workspace, refusal
from tests.stack.fuzz.deployed import Deployed, settings_of

PLAN = "POST /function-runs/{runId}/rerun-plan"
READS = {"BatchGetItem", "GetItem", "Query", "GetObject", "GetFunction"}
KEYS = {"Decrypt", "GenerateDataKey"}
MOST_READS = 6


def source_of(answer: Any) -> str:
    return f"def handler(event, context):\n    return [{answer!r}, context.client_context.custom]\n"


def plan(workspace: Workspace, run_id: str, **body: Any) -> dict[str, Any]:
    response = workspace.http.post(f"/function-runs/{run_id}/rerun-plan", json=body)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def versions(function: TeamFunction) -> list[str]:
    found = function.client.list_versions_by_function(FunctionName=function.name)["Versions"]
    return [each["Version"] for each in found]


def test_a_plan_says_what_its_rerun_then_does_and_publishes_nothing(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(source_of("old"), params={"region": "eu"})
    original = workspace.ended(workspace.execute(trigger, payload={"order": 1}))
    same = plan(workspace, original["id"])
    assert (same["code"]["codeDiffers"], same["code"]["configurationDiffers"]) == (False, False)
    assert same["code"]["currentVersion"] == original["functionVersion"]
    assert same["source"]["functionCodeHash"] == original["functionCodeHash"]

    function.deploy(source_of("new"))
    before = versions(function)
    body = {"useLatestCode": True, "overrideParams": {"order": 2}}
    planned = plan(workspace, original["id"], **body)
    assert versions(function) == before
    assert (planned["code"]["currentVersion"], planned["code"]["codeDiffers"]) == (None, True)
    assert planned["changes"] == [{"pointer": "/order", "kind": "changed", "before": 1, "after": 2}]
    assert workspace.history(original["id"])["rerunCount"] == 0

    rerun = workspace.ended(
        workspace.rerun(original["id"], **body, planToken=planned["planToken"]), include="result,parameters"
    )
    assert (rerun["status"], rerun["result"][0], rerun["parameters"]) == (
        "completed",
        "new",
        {"region": "eu", "order": 2},
    )
    assert rerun["functionCodeHash"] == planned["code"]["currentCodeHash"]
    assert rerun["configHash"] == planned["code"]["currentConfigHash"] == original["configHash"]


def test_a_rerun_is_refused_or_not_executed_if_the_world_has_moved_since_its_plan(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(source_of("old"))
    original = workspace.execute(trigger)
    workspace.ended(original)
    body = {"useLatestCode": True}
    token = plan(workspace, original, **body)["planToken"]

    function.deploy(source_of("new"))
    run = workspace.ended(workspace.rerun(original, **body, planToken=token), include="error")
    assert (run["status"], run["errorCode"], run["errorSource"]) == ("failure", "PlanOutdated", "service")
    assert (run["executionAttempts"], run["functionVersion"]) == (0, None)

    changed = workspace.http.put(f"/function-triggers/{trigger}", json={"version": 1, "name": "another"})
    assert changed.status_code == 200, changed.text
    response = workspace.post_rerun(original, **body, planToken=token)
    assert refusal(response)[:2] == (409, "PLAN_OUTDATED")
    assert response.json()["changed"] == ["trigger"]
    assert workspace.history(original)["rerunCount"] == 1


def test_a_token_is_its_caller_s_alone(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)
    workspace.ended(original)
    token = plan(workspace, original)["planToken"]
    bob = workspace.as_caller("bob", f"{workspace.name}/*:*")
    assert refusal(bob.post_rerun(original, planToken=token))[:2] == (400, "INVALID_REQUEST")
    for forged in (token[:-8] + "AAAAAAA=", token[8:]):
        assert workspace.post_rerun(original, planToken=forged).json()["field"] == "planToken"
    workspace.ended(workspace.rerun(original, planToken=token))


def test_who_may_not_reveal_sees_what_they_have_sent_and_nothing_else(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(params={"pin": "4711"})
    original = workspace.execute(trigger)
    workspace.ended(original)
    eve = workspace.as_caller("eve", f"{workspace.name}/function-triggers:execute")
    plans = [plan(eve, original, overrideParams={"pin": guess}) for guess in ("4711", "0000")]
    for each, guess in zip(plans, ("4711", "0000"), strict=True):
        assert each.pop("set") == [{"pointer": "/pin", "value": guess}]
        each["planToken"] = len(each["planToken"])
    assert plans[0] == plans[1]
    assert "changes" not in plans[0]


def test_the_same_effects_have_the_source_s_key(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(source_of("done"))
    original = workspace.ended(workspace.execute(trigger), include="result")
    assert original["result"][1]["functionRunEffectKey"] == original["id"]
    same = workspace.ended(workspace.rerun(original["id"], effects="same"), include="result")
    new = workspace.ended(workspace.rerun(original["id"]), include="result")
    assert same["result"][1]["functionRunEffectKey"] == original["id"]
    assert new["result"][1]["functionRunEffectKey"] == new["id"]


class Counted:
    """The AWS calls of entry points in this process."""

    def __init__(self, local_stack: LocalStack, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self._local_stack = local_stack
        self._patch = patch

    def fresh(self) -> None:
        """As new containers."""
        wiring = Deployed(
            self._local_stack,
            settings_of(self._local_stack, run_queue_url=self._local_stack.outputs["RunQueueUrl"]),
        )
        wiring._core.register("before-send", self._note)
        for entry_point in (api_rerun, api_rerun_plan):
            self._patch.setattr(entry_point, "wiring", wiring)

    def _note(self, **sent: Any) -> None:
        self.calls.append(sent["event_name"].rpartition(".")[2])

    def of(self, entry_point: Any, route: str, workspace: Workspace, run_id: str, body: dict[str, Any]) -> list[str]:
        self.calls.clear()
        claims = {"sub": "alice", "token_use": "access", "cognito:groups": f"[{workspace.name}/*:*]"}
        path = {"workspace": workspace.name, "runId": run_id}
        answer = entry_point.lambda_handler(http_event(route, path, body=json.dumps(body), claims=claims), CONTEXT)
        assert answer["statusCode"] < 300, answer["body"]
        return list(self.calls)


BODIES: list[dict[str, Any]] = [
    {},
    {"useLatestCode": True},
    {"overrideParams": {"a": 1}, "effects": "same"},
    {"ifNotRecovered": True},
]


@pytest.mark.parametrize("payload", [{"a": 2}, {"a": "x" * 500_000}], ids=["small", "large"])
def test_a_plan_costs_six_reads_at_most_and_nothing_else(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, payload: dict[str, Any]
) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger, payload=payload)
    workspace.ended(original)
    counted = Counted(workspace.local_stack, monkeypatch)
    rerun = workspace.rerun(original)
    workspace.ended(rerun)
    large = ["GetObject"] if len(payload["a"] if isinstance(payload["a"], str) else "") else []
    for run_id in (original, rerun):
        for body in BODIES:
            code = ["GetFunction"] if body.get("useLatestCode") else ["GetFunction", "GetFunction"]
            counted.fresh()
            cold = counted.of(api_rerun_plan, PLAN, workspace, run_id, body)
            assert set(cold) <= READS | KEYS
            assert len([each for each in cold if each in READS]) <= MOST_READS, cold
            warm = counted.of(api_rerun_plan, PLAN, workspace, run_id, body)
            lineage = ["Query"] if "ifNotRecovered" in body else []
            assert sorted(warm) == sorted(["BatchGetItem", "BatchGetItem", *code, *large, *lineage])
            assert len(warm) <= MOST_READS


def test_a_token_costs_a_rerun_no_call(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger)
    workspace.ended(original)
    counted = Counted(workspace.local_stack, monkeypatch)
    counted.fresh()
    token = plan(workspace, original)["planToken"]
    for body in ({}, {"planToken": token}, {"effects": "same"}):
        counted.of(api_rerun, RERUN, workspace, original, body)
        warm = counted.of(api_rerun, RERUN, workspace, original, body)
        assert warm == ["BatchGetItem", "BatchGetItem", "TransactWriteItems", "SendMessage"]
