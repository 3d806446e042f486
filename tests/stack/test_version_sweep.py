"""Versions that no kept run names go; with all others nothing happens, and re-runs go on as before."""

from datetime import timedelta
from typing import Any

import pytest

from handlers.aws.function_code import DESCRIPTION
from handlers.domain import clock
from tests.stack.driver import TeamFunction, Workspace, keys, table_of, until
from tests.stack.lineage import Later
from tests.stack.sweeping import sweep

READS_MODE = "import os\ndef handler(event, context):\n    return os.environ.get('MODE')\n"


def change(function: TeamFunction, mode: str) -> None:
    function.client.update_function_configuration(FunctionName=function.name, Environment={"Variables": {"MODE": mode}})


def changed(function: TeamFunction, mode: str) -> None:
    """Ready to be run so."""
    change(function, mode)
    until(lambda: function._configuration()["LastUpdateStatus"] == "Successful")
    mark(function)


def mark(function: TeamFunction) -> None:
    """As the executor does where versions are deleted some day; the local stack's then finds the version made already."""
    function.client.publish_version(FunctionName=function.name, Description=DESCRIPTION)


def publish(function: TeamFunction, mode: str, description: str = DESCRIPTION) -> str:
    """A version that no run names."""
    change(function, mode)
    published = function.client.publish_version(FunctionName=function.name, Description=description)
    return str(published["Version"])


def expire(workspace: Workspace, run_id: str) -> None:
    client, table = table_of(workspace)
    client.update_item(
        TableName=table,
        Key=keys(run_id),
        UpdateExpression="SET expiresAt = :past",
        ExpressionAttributeValues={":past": {"N": "1"}},
    )


def published(function: TeamFunction) -> list[str]:
    listed: list[dict[str, Any]] = function.client.list_versions_by_function(FunctionName=function.name)["Versions"]
    return [each["Version"] for each in listed if each["Version"] != "$LATEST"]


def test_versions_that_no_kept_run_names_go_and_kept_runs_are_rerun_on_their_own(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = Later()
    monkeypatch.setattr(clock, "now", later)
    trigger, function = workspace.trigger_of(READS_MODE)
    mark(function)
    original = workspace.ended(workspace.execute(trigger))
    changed(function, "of a re-run")
    rerun = workspace.ended(workspace.rerun(original["id"], useLatestCode=True))
    changed(function, "of an expired run")
    expired = workspace.ended(workspace.rerun(original["id"], useLatestCode=True))
    expire(workspace, expired["id"])
    behind_an_alias = publish(function, "behind an alias")
    function.client.create_alias(FunctionName=function.name, Name="live", FunctionVersion=behind_an_alias)
    theirs = publish(function, "theirs", description="release 12")
    unused = publish(function, "unused")
    newest = publish(function, "newest")
    going = [expired["functionVersion"], unused]
    staying = [original["functionVersion"], rerun["functionVersion"], behind_an_alias, theirs, newest]

    young = sweep(workspace.local_stack)
    assert ("deleted" not in young, young["young"] >= 4) == (True, True)
    assert set(published(function)) == {*staying, *going}

    later.by = timedelta(days=2)
    results = sweep(workspace.local_stack)
    assert (results["deleted"] >= 2, results["named by a run"] >= 2) == (True, True)
    assert published(function) == staying

    again = [workspace.rerun(run["id"]) for run in (original, rerun)]
    ended = [workspace.ended(run, include="result") for run in again]
    assert [each["functionVersion"] for each in ended] == [original["functionVersion"], rerun["functionVersion"]]
    assert [each["result"] for each in ended] == [None, "of a re-run"]
