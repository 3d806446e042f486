"""Whatever is done to runs, triggers and functions, accepted or refused, leaves one audit line; so does a reveal."""

import json
from typing import Any

from infra.local.log_stream import LogStream
from tests.stack.driver import Workspace, an_ended_run, until

SECRET = "content-that-no-line-may-hold"


def audit_lines(workspace: Workspace) -> list[dict[str, Any]]:
    """The audit lines about a workspace, in order."""
    local_stack = workspace.local_stack
    said = [line for _, line in LogStream(local_stack.client("logs"), local_stack.client("lambda")).unread()]
    logged = [json.loads(line) for line in said if line.startswith("{") and '"audit":{' in line]
    return [line["audit"] for line in logged if line["audit"]["workspace"] == workspace.name]


def audited(workspace: Workspace, count: int, *actions: str) -> list[dict[str, Any]]:
    """The lines of these actions: to set the scene leaves lines of its own."""

    def lines() -> list[dict[str, Any]]:
        return [line for line in audit_lines(workspace) if line["action"] in actions]

    until(lambda: len(lines()) >= count)
    assert len(lines()) == count
    assert SECRET not in json.dumps(audit_lines(workspace))
    return lines()


def test_an_accepted_rerun_is_audited(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    job = workspace.rerun(run, reason="Retrying after bug fix", overrideParams={"a": SECRET}, useLatestCode=True)
    assert audited(workspace, 1, "rerun") == [
        {
            "action": "rerun",
            "by": "alice",
            "workspace": workspace.name,
            "runId": run,
            "why": "Retrying after bug fix",
            "overridden": True,
            "useLatestCode": True,
            "jobId": job,
            "outcome": "done",
        }
    ]


def test_each_refused_rerun_is_audited_with_its_reason_and_its_refusal(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace)
    workspace.as_caller("eve").post_rerun(run, reason="no grant")
    workspace.http.post(f"/function-runs/{run}/rerun", content=f'{{"{SECRET}": 1}}')
    workspace.post_rerun(SECRET, reason="no id")
    workspace.post_rerun("00000000-0000-4000-8000-000000000000", reason="no run")
    workspace.http.delete(f"/function-triggers/{trigger}")
    workspace.post_rerun(run, reason="no trigger", overrideParams={"a": SECRET})

    lines = audited(workspace, 5, "rerun")

    assert [(line["by"], line["outcome"], line.get("why")) for line in lines] == [
        ("eve", "FORBIDDEN", None),
        ("alice", "INVALID_REQUEST", None),
        ("alice", "INVALID_RUN_ID", "no id"),
        ("alice", "RUN_NOT_FOUND", "no run"),
        ("alice", "TRIGGER_NOT_FOUND", "no trigger"),
    ]
    assert [line["runId"] for line in lines] == [run, run, None, "00000000-0000-4000-8000-000000000000", run]


def test_each_reveal_is_audited_with_its_parts(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace, payload={"a": SECRET})
    workspace.run(run, include="parameters,result")
    reader = workspace.as_caller("eve", f"{workspace.name}/function-runs:read").http
    reader.get(f"/function-runs/{run}?include=parameters")
    workspace.http.get(f"/function-runs/{run}?include={SECRET}")
    workspace.run(run)

    lines = audited(workspace, 3, "reveal")

    assert [(line["action"], line["by"], line["outcome"], line.get("parts")) for line in lines] == [
        ("reveal", "alice", "done", ["parameters", "result"]),
        ("reveal", "eve", "FORBIDDEN", None),
        ("reveal", "alice", "INVALID_REQUEST", None),
    ]


def test_a_rerun_from_the_console_is_audited_too(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    event = {"workspace": workspace.name, "runId": run, "reason": "from the console", "rerunBy": "carol"}
    answer = (
        workspace.local_stack.client("lambda")
        .invoke(FunctionName="FunctionRerun-api-rerun", Payload=json.dumps(event))["Payload"]
        .read()
    )
    [line] = audited(workspace, 1, "rerun")
    assert (line["by"], line["why"], line["jobId"]) == (
        "console:carol",
        "from the console",
        json.loads(answer)["jobId"],
    )


def test_what_is_done_to_functions_and_triggers_is_audited_by_their_ids(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    function = workspace.trigger_document(trigger)["functionId"]
    run = workspace.http.post(f"/function-triggers/{trigger}/execute", json={"payload": {"a": SECRET}}).json()["jobId"]
    changed = {"version": 1, "name": "renamed", "triggerMetadata": {"params": {"a": SECRET}}}
    workspace.http.put(f"/function-triggers/{trigger}", json=changed)
    workspace.as_caller("eve").http.delete(f"/function-triggers/{trigger}")
    workspace.http.delete(f"/function-triggers/{trigger}")
    workspace.http.put(f"/compute-functions/{function}", json={"version": 1, "name": "renamed"})
    workspace.http.delete(f"/compute-functions/{function}")
    until(lambda: len(audit_lines(workspace)) >= 8)
    of_both = {"functionId": function, "triggerId": trigger}
    assert [
        (line["action"], line["by"], line["outcome"], line.get("jobId"), {name: line.get(name) for name in of_both})
        for line in sorted(audit_lines(workspace), key=lambda line: line["action"])
    ] == [
        ("change-function", "alice", "done", None, of_both | {"triggerId": None}),
        ("change-trigger", "alice", "done", None, of_both | {"functionId": None}),
        ("create-trigger", "alice", "done", None, of_both),
        ("delete-function", "alice", "done", None, of_both | {"triggerId": None}),
        ("delete-trigger", "eve", "FORBIDDEN", None, of_both | {"functionId": None}),
        ("delete-trigger", "alice", "done", None, of_both | {"functionId": None}),
        ("execute", "alice", "done", run, of_both | {"functionId": None}),
        ("register-function", "alice", "done", None, of_both | {"triggerId": None}),
    ]
    assert SECRET not in json.dumps(audit_lines(workspace))


def test_no_answer_is_to_be_kept_on_its_way(workspace: Workspace) -> None:
    run, trigger = an_ended_run(workspace, payload={"a": SECRET})
    paths = [
        f"/function-runs/{run}?include=parameters",
        f"/function-runs/{run}",
        f"/function-triggers/{trigger}",
        f"/function-runs/{SECRET}",
    ]
    assert {workspace.http.get(path).headers["Cache-Control"] for path in paths} == {"no-store"}
    assert SECRET in workspace.http.get(paths[0]).text
