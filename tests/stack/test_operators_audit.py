"""The operator's audit of what the deployed product itself has written. (`test_audit` is of the audit trail.)"""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from handlers.aws import keys
from handlers.aws.table import to_item
from handlers.domain import clock
from infra.audit.command import app
from infra.local.local_stack import LocalStack, bring_up
from tests.stack.driver import Workspace, an_ended_run, item_of, settled, table_of
from tests.stack.test_large_parts import objects_of


@pytest.fixture(scope="module")
def local_stack(tmp_path_factory: pytest.TempPathFactory, assembly: Path) -> Iterator[LocalStack]:
    """One of these tests' own: the audit reads all there is."""
    deployed = bring_up(tmp_path_factory.mktemp("local-stack"), assembly=assembly)
    yield deployed
    deployed.take_down()


@pytest.fixture
def lineage(workspace: Workspace) -> list[str]:
    """An original and its three re-runs, the last of a re-run, all of them ended, and their ends published."""
    original, _ = an_ended_run(workspace, payload={"a": 1})
    first = workspace.rerun(original)
    workspace.ended(first)
    runs = [original, first, workspace.rerun(first, overrideParams={"a": 2}), workspace.rerun(original)]
    for run in runs:
        settled(workspace, run)
    return runs


def findings_about(workspace: Workspace, runs: list[str], *options: str) -> list[tuple[str, ...]]:
    """Rule and ids. Other tests leave in the same table what they broke: that is theirs."""
    directory = str(workspace.local_stack.emulator.directory)
    result = CliRunner().invoke(app, ["--directory", directory, "--json", *options])
    findings = json.loads(result.stdout)["findings"]
    assert result.exit_code == (1 if findings else 0)
    return [(each["rule"], *each["ids"]) for each in findings if set(runs) & set(each["ids"])]


def change(workspace: Workspace, run: str, **values: Any) -> None:
    client, table = table_of(workspace)
    client.put_item(TableName=table, Item=item_of(workspace, run) | to_item(values))


def test_what_the_product_has_written_is_clean(
    workspace: Workspace, lineage: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "that-the-local-stack-ignores")
    assert findings_about(workspace, lineage, "--open", "all") == []


def test_large_parts_have_their_objects_and_one_that_is_lost_is_found(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace, payload={"a": "x" * 500_000})
    settled(workspace, run)
    assert findings_about(workspace, [run], "--open", "all") == []
    s3, bucket = workspace.local_stack.client("s3"), workspace.local_stack.outputs["BucketName"]
    outcome = next(key for key in objects_of(workspace, run) if key.startswith("outcome"))
    s3.delete_object(Bucket=bucket, Key=f"kept/{run}/{outcome}")
    s3.put_object(Bucket=bucket, Key=f"kept/{run}/parameters", Body=b"damaged")
    stray = f"kept/{uuid4()}/result"
    s3.put_object(Bucket=bucket, Key=stray, Body=b"")
    found = findings_about(workspace, [run, stray], "--open", "all")
    s3.delete_object(Bucket=bucket, Key=stray)
    assert sorted(found) == [
        ("kept-object", stray),
        ("part-object", run, outcome.replace("-", "#", 1)),
        ("seals", run, "parameters"),
    ]


def test_runs_that_wait_or_are_cancelled_are_clean(workspace: Workspace) -> None:
    original, _ = an_ended_run(workspace)
    in_an_hour = clock.iso(clock.now() + timedelta(hours=1))
    waiting, cancelled = (workspace.rerun(original, notBefore=in_an_hour) for _ in range(2))
    assert workspace.http.post(f"/function-runs/{cancelled}/cancel").is_success
    large = workspace.rerun(original, notBefore=in_an_hour, overrideParams={"a": "x" * 500_000})
    assert findings_about(workspace, [original, waiting, cancelled, large], "--open", "all") == []


def test_a_run_that_is_just_being_executed_is_clean(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    running = [workspace.execute(trigger) for _ in range(5)]
    assert findings_about(workspace, running) == []


def test_what_is_broken_by_hand_is_found(workspace: Workspace, lineage: list[str]) -> None:
    original, first, second, third = lineage
    client, table = table_of(workspace)
    client.delete_item(TableName=table, Key=to_item(keys.run(second)))
    change(workspace, original, reruns=7)
    change(workspace, first, status="pending")
    stolen = item_of(workspace, first, "SEALED#parameters")
    client.put_item(TableName=table, Item=stolen | to_item({"pk": f"RUN#{third}"}))
    assert sorted(findings_about(workspace, lineage, "--open", "all")) == [
        ("deadline", first),
        ("edge-run", original, second),
        ("rerun-count", original),
        ("seals", third, "parameters"),
    ]
