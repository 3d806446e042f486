"""The command line against the deployed stack: a failure, its plan, its re-run, the lineage, the end of its content."""

import json
from pathlib import Path

import pytest
from fnrun.errors import Exit

from tests.client.cli import Fnrun
from tests.stack.driver import Workspace

ORDERS = """
def handler(event, context):
    print("order", event["order"]["id"])
    return 100 // event["order"]["items"]
"""
WITHOUT_ITEMS = '{"order": {"id": "o-5", "items": 0}}'


@pytest.fixture
def cli(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Fnrun:
    """As somebody who may do everything in the workspace."""
    named = {"URL": workspace.local_stack.api_url, "TOKEN": str(workspace.http.token), "WORKSPACE": workspace.name}
    for name, value in (named | {"CONFIG_DIR": str(tmp_path)}).items():
        monkeypatch.setenv(f"FNRUN_{name}", value)
    monkeypatch.delenv("FNRUN_PROFILE", raising=False)
    return Fnrun(capsys)


def test_from_a_failure_to_its_recovery_and_its_erasure(cli: Fnrun, workspace: Workspace) -> None:
    trigger_id, _ = workspace.trigger_of(ORDERS)
    name = workspace.trigger_document(trigger_id)["name"]

    failed = cli("execute", name, "--payload", WITHOUT_ITEMS, "--wait", "--timeout", "60s")
    run_id = failed.stdout.split()[0]
    assert failed.code == Exit.NOT_WELL, failed.stderr
    assert "  failure  ZeroDivisionError  " in failed.stdout
    assert "order o-5" in failed.stderr

    planned = cli("rerun", run_id[:8], "--plan", "--set", "order.items=4")
    assert planned.code == Exit.DONE, planned.stderr
    assert planned.stdout.endswith("The overrides change in the parameters:\n    ~ /order/items  0 → 4\n")

    rerun = cli("rerun", run_id[:8], "--set", "order.items=4", "--reason", "no items", "--wait", "--yes", "-o", "json")
    assert rerun.code == Exit.DONE, rerun.stderr
    [outcome] = rerun.document
    assert (outcome["sourceRunId"], outcome["run"]["status"]) == (run_id, "completed")
    job_id = outcome["jobId"]
    assert json.loads(cli("runs", "show", job_id, "--reveal", "-o", "json").stdout)["result"] == 25

    drawn = cli("history", job_id)
    assert drawn.stdout.startswith(f"Original Run ({run_id})  failure  ZeroDivisionError\n")
    assert f"├── recovered: by {job_id}\n" in drawn.stdout
    assert "├── reason: no items\n" in drawn.stdout
    assert "├── parameters: /order/items  0 → 4\n" in drawn.stdout

    again = cli("rerun", run_id, "--yes")
    assert again.code == Exit.REFUSED
    assert f"Next: fnrun runs show {job_id}" in again.stderr

    waiting = cli("rerun", run_id, "--yes", "--even-if-recovered", "--not-before", "+1h").stdout.split()[0]
    assert cli("cancel", waiting).stdout == f"{waiting}  cancelled\n"
    assert cli("runs", "list", "--status", "cancelled", "--reruns", "-o", "json").document[0]["id"] == waiting

    assert cli("erase", run_id, "--yes").stdout == f"{run_id}  erased\n"
    gone = cli("rerun", run_id, "--yes", "--even-if-recovered")
    assert gone.code == Exit.REFUSED
    assert "Original run has no parameters stored" in gone.stderr
