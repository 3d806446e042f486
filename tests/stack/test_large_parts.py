"""Parameters and results that are too large for the table: sealed objects that come and go with their run."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers.domain import clock
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.starting.rerun import RerunBody, RerunRequest
from handlers.domain.upkeep.housekeeping import ExpiryDeps, ExpiryResult, KeptObject, delete_expired
from tests.domain.starting.rerunning import rerun
from tests.stack.driver import Workspace, item_of, items_of, refusal, until
from tests.stack.lineage import LineageFixture

LARGE = 1_000_000


def text(size: int) -> str:
    return random.Random(size).randbytes(size // 2).hex()


def objects_of(workspace: Workspace, run: str) -> dict[str, bytes]:
    """What the bucket keeps of a run, by the name of the part."""
    s3, bucket = workspace.local_stack.client("s3"), workspace.local_stack.outputs["BucketName"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"kept/{run}/").get("Contents", [])
    return {
        each["Key"].rpartition("/")[2]: s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read() for each in listed
    }


def staged(workspace: Workspace) -> list[str]:
    s3, bucket = workspace.local_stack.client("s3"), workspace.local_stack.outputs["BucketName"]
    return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix="staging/").get("Contents", [])]


def test_what_is_large_is_executed_and_revealed_like_anything_else(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    content = text(LARGE)
    run = workspace.ended(workspace.execute(trigger, payload={"content": content}), include="parameters,result")
    assert (run["status"], run["resultOmitted"]) == ("completed", False)
    assert run["parameters"] == run["result"] == {"content": content}


def test_what_is_large_lies_sealed_in_the_bucket_and_the_table_says_where(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    content = text(LARGE)
    run = workspace.execute(trigger, payload={"content": content})
    workspace.ended(run)
    objects = until(lambda: found if len(found := objects_of(workspace, run)) == 2 else None)
    assert sorted(part.partition("-")[0] for part in objects) == ["outcome", "parameters"]
    assert not [part for part, sealed in objects.items() if content[:1000].encode() in sealed]
    for part in objects:
        name = part.replace("-", "#", 1)
        assert item_of(workspace, run, f"SEALED#{name}")["object"]["S"] == f"kept/{run}/{part}"
        assert item_of(workspace, run, f"OBJECT#{name}")["due"]["S"].startswith("OBJECTS#")
    until(lambda: "staged" not in item_of(workspace, run, "RUN"))
    assert not [key for key in staged(workspace) if key in repr(items_of(workspace, run))]


def test_what_is_large_is_rerun_with_the_very_same_input_and_with_large_overrides(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    content, other = text(LARGE), text(LARGE + 2)
    run = workspace.execute(trigger, payload={"content": content})
    workspace.ended(run)
    same = workspace.ended(workspace.rerun(run), include="parameters")
    assert same["parameters"] == {"content": content}
    new = workspace.ended(workspace.rerun(run, overrideParams={"other": other}), include="result,overrides")
    assert new["result"] == {"content": content, "other": other}
    assert new["overrides"] == {"other": other}


def test_the_largest_parameters_and_results_are_kept_and_told(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    content = text(MAX_BYTES - 20)
    run = workspace.ended(workspace.execute(trigger, payload={"content": content}))
    assert run["resultOmitted"] is False
    for part in ("parameters", "result"):
        assert workspace.run(run["id"], include=part)[part] == {"content": content}
    response = workspace.http.get(f"/function-runs/{run['id']}?include=parameters,result")
    assert refusal(response)[:2] == (413, "TOO_LARGE")
    assert "one" in response.json()["message"]


def test_what_is_larger_is_refused_and_leaves_nothing(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    body = {"payload": {"content": text(MAX_BYTES)}}
    response = workspace.http.post(f"/function-triggers/{trigger}/execute", json=body)
    assert (refusal(response)[:2], response.json()["field"]) == ((413, "TOO_LARGE"), "payload")
    assert workspace.http.get("/function-runs").json()["data"] == []


def test_a_result_too_large_to_keep_leaves_the_run_completed(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(f"def handler(event, context):\n    return 'x' * {MAX_BYTES}\n")
    run = workspace.ended(workspace.execute(trigger), include="result")
    assert (run["status"], run["resultOmitted"], run["result"]) == ("completed", True, None)


@pytest.fixture
def lineage(workspace: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[LineageFixture]:
    lineage = LineageFixture.of(workspace, tmp_path)
    monkeypatch.setattr(clock, "now", lineage.later)
    yield lineage
    lineage.close()


class Own:
    """What housekeeping finds, and of it only what this test has made: others' runs have not aged with its clock."""

    def __init__(self, of: ExpiryDeps) -> None:
        self._of = of
        self.runs: set[str] = set()
        self.staged: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of.expiry_index, name)

    def due(self) -> Iterator[KeptObject]:
        return (kept for kept in self._of.expiry_index.due() if kept.run_id in self.runs)

    def delete(self, key: str) -> None:
        self._of.objects.delete(key)

    def staged_before(self, moment: datetime) -> Iterator[str]:
        return (key for key in self._of.objects.staged_before(moment) if key in self.staged)

    def kept(self) -> dict[ExpiryResult, int]:
        return dict(delete_expired(ExpiryDeps(self, self), has_time=lambda: True, report=lambda *_: None))


def test_an_object_goes_with_its_run_and_not_before(workspace: Workspace, lineage: LineageFixture) -> None:
    trigger, _ = workspace.trigger_of()
    original = workspace.execute(trigger, payload={"content": text(LARGE)})
    workspace.ended(original)
    until(lambda: len(objects_of(workspace, original)) == 2)
    house = Own(lineage.container().expiry_deps)
    house.runs.add(original)
    lineage.later.by = timedelta(days=60)
    assert house.kept() == {}
    assert len(objects_of(workspace, original)) == 2
    request = RerunRequest(workspace.name, original, "alice", RerunBody())
    new = rerun(request, lineage.container())
    house.runs.add(new.id)
    lineage.later.by = timedelta(days=91, hours=1)
    assert house.kept() == {ExpiryResult.DELETED: 1, ExpiryResult.LIVES_ON: 1}
    # The original's parameters live as long as its newest re-run; its result does not.
    assert objects_of(workspace, original).keys() == {"parameters"}
    lineage.later.by = timedelta(days=60 + 91, hours=1)
    house.kept()
    assert objects_of(workspace, original) == {}
    assert objects_of(workspace, new.id) == {}
    assert not [each for each in items_of(workspace, original) if each["sk"]["S"].startswith("OBJECT#")]


def test_what_was_staged_in_vain_is_gone_after_a_day(workspace: Workspace, lineage: LineageFixture) -> None:
    staged_key = lineage.container().part_objects.stage(b"sealed")
    house = Own(lineage.container().expiry_deps)
    house.staged.add(staged_key)
    assert house.kept() == {}
    assert staged_key in staged(workspace)
    lineage.later.by = timedelta(days=1, minutes=1)
    assert house.kept() == {ExpiryResult.NEVER_MOVED: 1}
    assert staged_key not in staged(workspace)
