"""`fnrun debug` and `fnrun export-test` on the deployed stack: the run's own version, what it is told, and the audit."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fnrun.errors import Exit

from tests.client.cli import Fnrun
from tests.packages import packed
from tests.stack.driver import TeamFunction, Workspace

LAYER = {"python/shop.py": "def average(total, count): return total / count\n"}
BROKEN = """
import shop
def handler(order, context):
    return {"average": shop.average(order["total"], order["count"]), "run": context.client_context.custom}
"""
FIXED = BROKEN.replace('order["count"]', 'max(1, order["count"])')


@pytest.fixture
def function(workspace: Workspace) -> TeamFunction:
    """It finds a module in a layer."""
    function = TeamFunction(workspace.local_stack).deploy(BROKEN)
    layer = function.client.publish_layer_version(LayerName=function.name, Content={"ZipFile": packed(LAYER)})
    function.client.update_function_configuration(FunctionName=function.name, Layers=[layer["LayerVersionArn"]])
    return function


def test_a_run_is_debugged_on_the_code_that_it_was_executed_by(
    workspace: Workspace, function: TeamFunction, fnrun: Fnrun
) -> None:
    trigger = workspace.trigger(workspace.register(function))
    failed = workspace.execute(trigger, payload={"total": 7013, "count": 0})
    completed = workspace.execute(trigger, payload={"total": 10, "count": 4})
    for run, status in ((failed, "failure"), (completed, "completed")):
        assert workspace.ended(run)["status"] == status
    function.deploy(FIXED)

    answer = fnrun("debug", failed, "--yes", "-o", "json")
    assert (answer.code, answer.document["agrees"]) == (Exit.DONE, True), answer.stderr
    assert "7013" not in answer.stdout + answer.stderr
    assert Path(f"RUN-{failed[:8]}/code/index.py").read_text() == BROKEN
    frames = answer.document["outcome"]["error"]["stackTrace"]
    assert ["/var/task/index.py" in frames[0], "/opt/python/shop.py" in frames[1], len(frames)] == [True, True, 2]

    latest = fnrun("debug", failed, "--latest", "--yes", "-o", "json")
    assert (latest.code, latest.document["differs"]) == (Exit.NOT_WELL, ["status"])
    assert latest.document["outcome"]["result"]["average"] == 7013

    # The result holds what the service has given the function of its run.
    again = fnrun("debug", completed, "--yes", "-o", "json")
    assert (again.code, again.document["differs"], again.document["notCompared"]) == (Exit.DONE, [], [])
    assert again.document["outcome"]["result"]["run"]["functionRunId"] == completed

    acts = workspace.http.get("/audit", params={"runId": failed, "action": "reveal"}).json()["data"]
    assert [(act["by"], act["parts"]) for act in acts] == [("alice", ["parameters", "result", "error"])] * 2


def test_a_version_that_was_deleted_is_one_line(workspace: Workspace, function: TeamFunction, fnrun: Fnrun) -> None:
    run = workspace.execute(workspace.trigger(workspace.register(function)), payload={"total": 1, "count": 1})
    version = workspace.ended(run)["functionVersionArn"]
    function.deploy(FIXED)
    function.client.delete_function(FunctionName=version)
    answer = fnrun("debug", run, "--yes")
    assert answer.stderr.startswith(f"fnrun: {version} no longer exists in AWS. Next: ")
    assert fnrun("debug", run, "--latest", "--yes").code == Exit.DONE


def test_an_exported_test_fails_until_the_function_is_fixed(
    workspace: Workspace, function: TeamFunction, fnrun: Fnrun, tmp_path: Path
) -> None:
    order = {"total": 7013, "count": 0, "customer": {"email": "ann@example.com"}}
    run = workspace.execute(workspace.trigger(workspace.register(function)), payload=order)
    workspace.ended(run)
    answer = fnrun("export-test", run, "--redact", "/customer/email")
    assert answer.code == Exit.DONE, answer.stderr
    test, fixture = (Path(line) for line in answer.stdout.split())
    assert json.loads(fixture.read_text())["handler"] == "index.handler"
    assert "ann@" not in fixture.read_text()
    (tmp_path / "shop.py").write_text(LAYER["python/shop.py"])
    statuses = []
    for code in (BROKEN, FIXED):
        (tmp_path / "index.py").write_text(code)
        command = [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test)]
        statuses.append(subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode)
    assert statuses == [1, 0]
