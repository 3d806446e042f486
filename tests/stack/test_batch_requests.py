"""POST /rerun-batches over HTTP, on the deployed stack: one request is one batch, and what it says of itself is so."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx
import pytest

from handlers.domain.clock import iso, now
from infra.local.waiting import wait_for
from tests.stack.driver import Workspace, refusal, until

FAILS_UNTIL_TOLD = """
def handler(event, context):
    if 'mended' not in event:
        raise TimeoutError('the warehouse does not answer')
    return 'ok'
"""


class Outage:
    """Failed runs of one function of a workspace."""

    def __init__(self, workspace: Workspace, failures: int) -> None:
        self.workspace = workspace
        trigger, _ = workspace.trigger_of(FAILS_UNTIL_TOLD)
        self.function = workspace.trigger_document(trigger)["functionId"]
        self.failed = [workspace.execute(trigger) for _ in range(failures)]
        for run in self.failed:
            assert workspace.ended(run)["status"] == "failure"
        until(lambda: len(self.unrecovered()) == failures)

    def unrecovered(self) -> list[str]:
        listed = self.workspace.http.get("/function-runs", params={"recovered": "false"}).json()
        return [each["id"] for each in listed["data"]]

    def post(self, key: str | None = None, **body: Any) -> httpx.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        of_all = {"filter": {"functionId": self.function}, "overrideParams": {"mended": True}}
        return self.workspace.http.post("/rerun-batches", json=of_all | body, headers=headers)

    def batches(self) -> list[dict[str, Any]]:
        data: list[dict[str, Any]] = self.workspace.http.get("/rerun-batches").json()["data"]
        return data

    def ended(self, batch_id: str) -> dict[str, Any]:
        """The batch once nothing more is done for it."""
        wait_for(lambda: self.batch(batch_id)["state"] in ("completed", "stopped"))
        return self.batch(batch_id)

    def batch(self, batch_id: str) -> dict[str, Any]:
        document: dict[str, Any] = self.workspace.http.get(f"/rerun-batches/{batch_id}").json()
        return document


@pytest.fixture
def outage(workspace: Workspace) -> Outage:
    return Outage(workspace, failures=3)


def in_a_week() -> str:
    return iso(now() + timedelta(days=7))


def id_of(response: httpx.Response) -> str:
    assert response.status_code == 202, response.text
    assert response.headers["Location"].endswith(f"/rerun-batches/{response.json()['batchId']}")
    return str(response.json()["batchId"])


def test_twenty_requests_at_once_with_one_key_are_one_batch(outage: Outage) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: outage.post("a-key", reason="It is mended", canary={"count": 1}), range(20)))
    [batch_id] = {id_of(each) for each in answers}
    assert id_of(outage.post("a-key", reason="It is mended", canary={"count": 1})) == batch_id
    assert [each["batchId"] for each in outage.batches()] == [batch_id]
    assert refusal(outage.post("a-key", reason="Another"))[:2] == (409, "IDEMPOTENCY_KEY_REUSED")

    batch = outage.ended(batch_id)
    assert batch["state"] == "completed", str(batch)
    progress = batch["progress"]
    assert (progress["selected"], progress["started"], progress["completed"]) == (3, 3, 3)
    reruns = outage.workspace.http.get(f"/rerun-batches/{batch_id}/reruns").json()["data"]
    assert sorted(each["sourceRunId"] for each in reruns) == sorted(outage.failed)
    assert {(each["batchId"], each["rerunReason"], each["status"]) for each in reruns} == {
        (batch_id, "It is mended", "completed")
    }
    assert outage.unrecovered() == []
    acts = outage.workspace.http.get("/audit", params={"batchId": batch_id}).json()["data"]
    assert [(each["action"], each["reason"], each["overridden"]) for each in acts] == [
        ("start-batch", "It is mended", True)
    ]


def test_a_plan_changes_nothing_and_says_what_the_batch_then_does(outage: Outage) -> None:
    response = outage.post(dryRun=True, canary={"count": 0}, pace={"startPerSecond": 50, "maxPerSecond": 50})
    assert response.status_code == 200, response.text
    plan = response.json()
    assert (plan["sources"], plan["wouldStart"], plan["refused"], plan["isSample"]) == (3, 3, {}, False)
    assert outage.batches() == []
    batch_id = id_of(outage.post(canary={"count": 0}, pace={"startPerSecond": 50, "maxPerSecond": 50}))
    batch = outage.ended(batch_id)
    assert (batch["state"], batch["progress"]["started"]) == ("completed", 3), str(batch)
    plan = outage.post(dryRun=True).json()
    assert (plan["sources"], plan["wouldStart"]) == (0, 0)


def test_a_batch_waits_is_paused_resumed_and_cancelled(outage: Outage) -> None:
    batch_id = id_of(outage.post(notBefore=in_a_week(), canary={"count": 2}))
    http = outage.workspace.http
    changes = [
        http.post(f"/rerun-batches/{batch_id}/{change}", json=body).json()["state"]
        for change, body in [("pause", {}), ("resume", {"pace": {"maxPerSecond": 2}}), ("cancel", {}), ("cancel", {})]
    ]
    assert changes == ["paused", "scheduled", "cancelled", "cancelled"]
    assert refusal(http.post(f"/rerun-batches/{batch_id}/resume", json={}))[:2] == (409, "BATCH_ENDED")
    assert len(outage.unrecovered()) == 3


def test_another_workspace_sees_nothing_of_it(outage: Outage) -> None:
    batch_id = id_of(outage.post(notBefore=in_a_week()))
    other = outage.workspace.other().http
    for path in ("", "/reruns"):
        assert refusal(other.get(f"/rerun-batches/{batch_id}{path}"))[:2] == (404, "NOT_FOUND")
    assert refusal(other.post(f"/rerun-batches/{batch_id}/cancel", json={}))[:2] == (404, "NOT_FOUND")
    assert other.get("/rerun-batches").json()["data"] == []
