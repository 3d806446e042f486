"""What proves a fix, and what starts runs, from the command line and on the deployed stack."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from fnrun.errors import Exit

from tests.client.cli import Ended, Fnrun
from tests.stack.driver import TeamFunction, Workspace

BROKEN = """
def handler(order, context):
    return {"average": order["total"] / order["count"]}
"""
FIXED = BROKEN.replace('order["count"]', 'max(1, order["count"])')


def done(ended: Ended) -> Any:
    assert ended.code == Exit.DONE, ended.stderr
    return ended.document


@pytest.fixture
def function(workspace: Workspace, fnrun: Fnrun) -> TeamFunction:
    """Registered as `orders`."""
    function = TeamFunction(workspace.local_stack).deploy(BROKEN)
    added = fnrun("functions", "add", "orders", function.arn, "--ignore-differences", "/at", "-o", "json")
    assert done(added)["ignoreDifferences"] == ["/at"]
    return function


def test_a_fix_is_proven(fnrun: Fnrun, function: TeamFunction) -> None:
    done(fnrun("triggers", "add", "orders", "--function", "orders", "--params", '{"total": 7013}', "-o", "json"))
    failed = fnrun("execute", "orders", "--set", "count=0", "--wait", "-o", "json")
    assert (failed.code, failed.document["errorCode"]) == (Exit.NOT_WELL, "ZeroDivisionError")
    source = failed.document["id"]
    function.deploy(FIXED)
    reran = done(fnrun("rerun", source, "--latest", "--reason", "Testing the fix", "--yes", "--wait", "-o", "json"))
    fixed = reran[0]["jobId"]

    compared = fnrun("compare", fixed[:8], "--exit-code")
    assert compared.code == Exit.NOT_WELL
    assert [line.split()[-1] for line in compared.stdout.splitlines() if line.startswith(("code", "status"))] == [
        "differs",
        "differs",
    ]
    assert "\nparameters: equal\n" in compared.stdout
    assert "\nerror: only before\n" in compared.stdout

    verdict = fnrun("experiment", source, "--reason", "Was it the fix?", "--yes")
    assert verdict.code == Exit.DONE, verdict.stderr
    assert "verdict: code\nThe code makes the difference" in verdict.stdout
    assert "4 of 4: candidate " in verdict.stderr

    acts = done(fnrun("audit", "--run", source, "-o", "json"))
    kinds = ["experiment-verdict", "experiment", "compare", "rerun", "execute"]
    assert [act["action"] for act in acts if act["action"] in kinds] == kinds
    assert "Was it the fix?" in fnrun("audit", "--action", "experiment", "--trigger", "orders").stdout


def test_a_trigger_of_each_kind_is_added_edited_rotated_and_removed(
    fnrun: Fnrun, function: TeamFunction, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kinds = {
        "by-hand": [],
        "nightly": ["--cron", "0 3 ? * * *", "--timezone", "Europe/Berlin", "--retries", "2", "--disabled"],
        "paid": ["--event-pattern", '{"source": ["shop"], "detail": {"paid": [true]}}'],
        "shop": ["--path", "shop/orders"],
    }
    secrets = set()
    for name, options in kinds.items():
        added = done(fnrun("triggers", "add", name, "--function", "orders", *options, "-o", "json"))
        secrets |= {added["secret"]} if name == "shop" else set()

    rotated = fnrun("triggers", "rotate", "shop")
    assert rotated.code == Exit.DONE, rotated.stderr
    secrets.add(rotated.stdout.strip())
    assert len(secrets) == 2

    editor = tmp_path / "editor.py"
    editor.write_text(
        "import json, pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1]); trigger = json.loads(path.read_text())\n"
        "trigger['triggerMetadata']['cronExpression'] = '0 4 ? * * *'; trigger['enabled'] = True\n"
        "path.write_text(json.dumps(trigger))\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {editor}")
    edited = done(fnrun("triggers", "edit", "nightly", "-o", "json"))
    assert (edited["triggerMetadata"]["cronExpression"], edited["version"]) == ("0 4 ? * * *", 2)
    part = tmp_path / "part.json"
    part.write_text(json.dumps({"triggerMetadata": {"eventPattern": {"source": ["till"]}}, "name": "sold"}))
    assert done(fnrun("triggers", "edit", "paid", "--file", str(part), "-o", "json"))["name"] == "sold"

    listed = fnrun("triggers", "list")
    assert {"by-hand", "nightly", "sold", "shop"} <= {*listed.stdout.split()}
    assert "0 4 ? * * * Europe/Berlin\n" in listed.stdout
    for name in ("by-hand", "nightly", "sold", "shop"):
        done(fnrun("triggers", "remove", name, "--yes", "-o", "json"))
    done(fnrun("functions", "remove", "orders", "--yes", "-o", "json"))

    acts = [act["action"] for act in done(fnrun("audit", "--all", "-o", "json"))]
    counts = {"create-trigger": 4, "change-trigger": 2, "rotate-secret": 1, "delete-trigger": 4, "delete-function": 1}
    assert {action: acts.count(action) for action in counts} == counts
    shown = listed.stdout + fnrun("audit").stdout
    assert not [secret for secret in secrets if secret in shown]
