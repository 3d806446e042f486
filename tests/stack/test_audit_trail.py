"""Who did what, asked over HTTP of the deployed stack: each accepted act, once, and of this workspace alone."""

import json
from datetime import timedelta
from typing import Any

from handlers.domain import clock
from tests.stack.driver import Workspace, an_ended_run, table_of

SECRET = "content-that-no-act-may-hold"


def listed(workspace: Workspace, **query: Any) -> list[dict[str, Any]]:
    """All pages."""
    found, cursor = [], ""
    while True:
        answer = workspace.http.get("/audit", params=query | ({"cursor": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        cursor = answer.json()["meta"]["nextCursor"]
        if not cursor:
            return found


def test_the_story_of_a_run_is_told_by_its_acts(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace, payload={"a": SECRET})
    function = workspace.trigger_document(trigger)["functionId"]
    key = {"Idempotency-Key": "once"}
    body = {"reason": "Testing fix", "overrideParams": {SECRET: {"b": SECRET}}}
    job, again = (
        workspace.http.post(f"/function-runs/{run}/rerun", json=body, headers=key).json()["jobId"] for _ in range(2)
    )
    assert job == again
    workspace.run(run, include="parameters,result")
    waiting = workspace.rerun(run, notBefore=clock.iso(clock.now() + timedelta(days=1)))
    for _ in range(2):
        assert workspace.http.post(f"/function-runs/{waiting}/cancel").status_code == 200
    # Refused, each for another reason.
    workspace.post_rerun(run, reason=1)
    workspace.as_caller("eve").post_rerun(run)
    workspace.http.post(f"/function-runs/{run}/cancel")
    bob = workspace.as_caller("bob", f"{workspace.name}/function-triggers:*")
    assert bob.http.put(f"/function-triggers/{trigger}", json={"version": 1, "enabled": False}).status_code == 200

    auditor = workspace.as_caller("carol", f"{workspace.name}/audit:read")
    acts = listed(auditor, limit=3)
    assert [(act["action"], act["by"]) for act in acts] == [
        ("change-trigger", "bob"),
        ("cancel", "alice"),
        ("rerun", "alice"),
        ("reveal", "alice"),
        ("rerun", "alice"),
        ("execute", "alice"),
        ("create-trigger", "alice"),
        ("register-function", "alice"),
    ]
    assert all(act["requestId"] and act["workspace"] == workspace.name for act in acts)
    of_run = {"functionId": function, "triggerId": trigger}
    rerun = acts[4]
    assert rerun | of_run | {"runId": run, "jobId": job, "reason": "Testing fix", "overridden": True} == rerun
    assert acts[3]["parts"] == ["parameters", "result"]
    assert SECRET not in json.dumps(acts)

    assert [act["action"] for act in listed(auditor, runId=run)] == ["rerun", "reveal", "rerun", "execute"]
    assert [act["action"] for act in listed(auditor, runId=waiting)] == ["cancel", "rerun"]
    assert len(listed(auditor, triggerId=trigger)) == 7
    assert listed(auditor, by="bob", action="change-trigger", limit=1) == acts[:1]
    assert listed(auditor, **{"from": acts[2]["at"], "to": acts[1]["at"]}) == acts[1:3]
    assert workspace.run(run)["startedBy"] == "alice"
    assert workspace.run(job)["startedBy"] is None

    # What was overridden is content: shown to who may reveal, and that is an act.
    assert [act["overridePaths"] for act in listed(workspace) if "overridePaths" in act] == [[f"/{SECRET}/b"]]
    assert listed(auditor, by="alice")[0]["action"] == "reveal-override-paths"
    assert_sealed(workspace)


def assert_sealed(workspace: Workspace) -> None:
    client, table = table_of(workspace)
    items = [
        item
        for shard in range(4)
        for item in client.query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"AUDIT#{workspace.name}#{shard}"}},
        )["Items"]
    ]
    assert len(items) >= 8
    assert SECRET not in str(items)


def test_the_acts_of_another_workspace_never_appear(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace)
    other = workspace.other()
    assert listed(other) == []
    for query in ({"runId": run}, {"triggerId": trigger}, {"by": "alice"}):
        assert listed(other, **query) == []
    stranger = Workspace(workspace.local_stack, workspace.connection, workspace.name, "eve", [f"{other.name}/*:*"])
    assert stranger.http.get("/audit").status_code == 403
    assert workspace.as_caller("dan", f"{workspace.name}/function-runs:*").http.get("/audit").status_code == 403
