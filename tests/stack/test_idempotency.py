"""`Idempotency-Key` over HTTP, on every POST that starts a run."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.stack.driver import Workspace, accepted, an_ended_run, refusal
from tests.stack.leak_search import flattened
from tests.stack.sources import create, runs_of


def post(workspace: Workspace, path: str, key: str | None, body: Any = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return workspace.http.post(path, headers=headers, content=json.dumps(body or {}).encode())


@pytest.fixture(params=["rerun", "execute", "webhook"])
def path(request: pytest.FixtureRequest, workspace: Workspace) -> str:
    """Where a POST starts a run."""
    run, trigger = an_ended_run(workspace)
    if request.param == "rerun":
        return f"/function-runs/{run}/rerun"
    if request.param == "execute":
        return f"/function-triggers/{trigger}/execute"
    function = workspace.trigger_document(trigger)["functionId"]
    create(workspace, function, "http-trigger", {"path": "orders", "signature": "none"})
    return "/http-trigger/orders"


def another(path: str) -> dict[str, Any]:
    """A request to the same address that asks for something else."""
    if path.endswith("/rerun"):
        return {"reason": "another"}
    return {"payload": {"another": 1}}


def test_the_same_request_is_answered_with_the_same_job(workspace: Workspace, path: str) -> None:
    before = len(runs_of(workspace))
    answers = [post(workspace, path, "key-1") for _ in range(3)]
    assert len({accepted(answer) for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(runs_of(workspace)) == before + 1


def test_what_asks_for_the_same_in_other_words_is_the_same_request(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    bodies = [{}, {"overrideParams": {}}, {"useLatestCode": False}, {"reason": "", "overrideParams": {}}]
    answers = [post(workspace, f"/function-runs/{run}/rerun", "key-1", body) for body in bodies]
    assert len({accepted(answer) for answer in answers}) == 1
    assert workspace.run(run)["rerunCount"] == 1


def test_another_body_under_the_same_key_is_refused(workspace: Workspace, path: str) -> None:
    accepted(post(workspace, path, "key-1"))
    before = len(runs_of(workspace))
    assert refusal(post(workspace, path, "key-1", another(path)))[:2] == (409, "IDEMPOTENCY_KEY_REUSED")
    assert len(runs_of(workspace)) == before
    accepted(post(workspace, path, "key-2", another(path)))


def test_many_at_once_start_one_run(workspace: Workspace, path: str) -> None:
    before = len(runs_of(workspace))
    with ThreadPoolExecutor(6) as pool:
        jobs = set(pool.map(lambda _: accepted(post(workspace, path, "key-1")), range(12)))
    assert len(jobs) == 1
    assert len(runs_of(workspace)) == before + 1


def test_a_key_of_one_caller_is_not_another_s(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    bob = workspace.as_caller("bob", f"{workspace.name}/*:*")
    path = f"/function-runs/{run}/rerun"
    assert accepted(post(workspace, path, "key-1")) != accepted(post(bob, path, "key-1"))


@pytest.mark.parametrize("key", ["x" * 256, ""])
def test_what_is_no_key_is_refused(workspace: Workspace, key: str) -> None:
    run, _ = an_ended_run(workspace)
    response = post(workspace, f"/function-runs/{run}/rerun", key)
    assert (refusal(response)[0], response.json()["field"]) == (400, "Idempotency-Key")


def test_what_is_kept_of_a_request_is_sealed(workspace: Workspace) -> None:
    run, _ = an_ended_run(workspace)
    new = accepted(post(workspace, f"/function-runs/{run}/rerun", "s3cret-key", {"overrideParams": {"a": "s3cret"}}))
    table = workspace.local_stack.client("dynamodb")
    pages = table.get_paginator("scan").paginate(TableName=workspace.local_stack.outputs["TableName"])
    kept = [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith("REQUEST#")]
    (own,) = (item for item in kept if item["runId"]["S"] == new)
    assert own.keys() == {"pk", "sk", "runId", "sealedDigest", "expiresAt", "schema"}
    assert b"s3cret" not in flattened(own)
