"""Batches over HTTP: what is answered, what is left behind, and what is not told."""

import json
from datetime import timedelta
from typing import Any

import pytest

from handlers import api_batches
from handlers.domain import clock
from handlers.domain.batches.batch import BatchState
from handlers.domain.runs.execution import execute
from handlers.domain.runs.run import FunctionRun, Status
from tests.builders import FUNCTION_ID, RUN_ID, a_run, an_id
from tests.entry_points.events import CONTEXT, OWN, answer_of, http_event
from tests.entry_points.in_memory import InMemory, everything, wire
from tests.fakes import FakeClock, World

START, LIST = "POST /rerun-batches", "GET /rerun-batches"
GET, RERUNS = "GET /rerun-batches/{batchId}", "GET /rerun-batches/{batchId}/reruns"
PAUSE, RESUME, CANCEL = (f"POST /rerun-batches/{{batchId}}/{change}" for change in ("pause", "resume", "cancel"))
ALL = {"filter": {"functionId": FUNCTION_ID}}
Json = dict[str, Any]


@pytest.fixture
def failed(world: World) -> list[FunctionRun]:
    """Eight originals that have failed, newest first."""
    at = clock.now() - timedelta(minutes=1)
    return [
        world.has_run(
            a_run(id=an_id(40 + n), status="failure", error_code="Declined", created_at=at - timedelta(seconds=n))
        )
        for n in range(8)
    ]


def ask(route: str, batch_id: str | None = None, body: Json | None = None, **options: Any) -> tuple[int, Any]:
    ids = {"workspace": OWN} | ({} if batch_id is None else {"batchId": batch_id})
    text = None if body is None else json.dumps(body)
    return answer_of(api_batches, http_event(route, ids, body=text, **options))


def started(**body: Any) -> str:
    status, document = ask(START, body=ALL | body)
    assert status == 202, document
    return str(document["batchId"])


def stored(world: World, batch_id: str, **changes: Any) -> None:
    world.batches.batches[batch_id] = world.batches.batches[batch_id].evolve(**changes)


def test_a_batch_is_accepted_with_its_place_and_begins(world: World, failed: list[FunctionRun]) -> None:
    event = http_event(START, {"workspace": OWN}, body=json.dumps(ALL | {"reason": "Fixed"}))
    answered = api_batches.lambda_handler(event, CONTEXT)
    accepted = json.loads(answered["body"])
    assert answered["headers"]["Location"] == f"/workspace/{OWN}/api/v1/rerun-batches/{accepted['batchId']}"
    assert accepted["state"] == "canary"
    assert world.executions.started == [(accepted["batchId"], 1)]
    status, batch = ask(GET, accepted["batchId"].upper())
    assert status == 200
    assert (batch["startedBy"], batch["reason"], batch["filter"]) == ("alice", "Fixed", ALL["filter"])
    assert (batch["canary"], batch["progress"]["selected"]) == ({"count": 5}, 0)


def test_a_batch_is_followed_from_its_canary_to_its_end(
    world: World, failed: list[FunctionRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    time = FakeClock()
    time.moment = clock.now()
    monkeypatch.setattr(clock, "now", time)

    def steps(number: int) -> Json:
        for _ in range(number):
            world.step_batches()
            time.advance(seconds=1)
        shown: Json = ask(GET, batch_id)[1]
        return shown

    batch_id = started(canary={"count": 3}, pace={"startPerSecond": 2})
    batch = steps(4)
    assert (batch["state"], batch["progress"]["started"], batch["progress"]["running"]) == ("canary", 3, 3)
    assert (batch["progress"]["expectedSources"], batch["estimatedEndAt"] > batch["createdAt"]) == (8, True)
    status, listed = ask(RERUNS, batch_id, query={"status": "pending"})
    assert status == 200
    assert {each["sourceRunId"] for each in listed["data"]} == {run.id for run in failed[:3]}
    assert {each["batchId"] for each in listed["data"]} == {batch_id}
    assert ask(RERUNS, batch_id, query={"status": "failure"})[1]["data"] == []
    assert ask(RERUNS, batch_id, query={"status": "ended"})[1]["field"] == "status"

    for _ in range(3):
        for run in [run for run in world.runs.runs.values() if run.status is Status.PENDING]:
            execute(run.id, world.execution_deps)
        batch = steps(8)
    assert (batch["state"], batch["progress"]["completed"], batch["progress"]["running"]) == ("completed", 8, 0)
    assert batch["progress"]["selectionComplete"]
    assert batch["endedAt"]


def test_a_plan_says_what_would_be_and_leaves_nothing(
    world: World, failed: list[FunctionRun], caplog: pytest.LogCaptureFixture
) -> None:
    before = everything(world)
    status, plan = ask(START, body=ALL | {"dryRun": True, "pace": {"startPerSecond": 2}})
    assert (status, plan["sources"], plan["wouldStart"], plan["isSample"]) == (200, 8, 8, False)
    assert plan["byFunction"] == [{"functionId": FUNCTION_ID, "count": 8}]
    assert plan["pace"] == {"startPerSecond": 2, "maxPerSecond": 10, "doubleEverySeconds": 30}
    assert (plan["canary"], plan["stopWhen"]["sameErrorGroup"]) == ({"count": 5}, True)
    assert everything(world) == before
    assert not world.batches.batches
    assert not world.executions.started
    assert not world.audit_log.acts
    [line] = [vars(record)["audit"] for record in caplog.records if "audit" in vars(record)]
    assert (line["action"], line["outcome"]) == ("plan-batch", "done")


def test_the_same_request_with_the_same_key_is_one_batch(world: World) -> None:
    key = {"idempotency-key": "a-key"}
    answers = [ask(START, body=ALL, headers=key) for _ in range(3)]
    assert {status for status, _ in answers} == {202}
    [batch_id] = {document["batchId"] for _, document in answers}
    assert [*world.batches.batches] == [batch_id]
    assert [act.action for act in world.audit_log.acts] == ["start-batch"]
    status, refused = ask(START, body=ALL | {"canary": {"count": 0}}, headers=key)
    assert (status, refused["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_a_batch_is_paused_and_resumed_as_often_as_is_asked(world: World) -> None:
    batch_id = started()
    answers = [ask(route, batch_id, {}) for route in (PAUSE, PAUSE, RESUME, RESUME)]
    assert [(status, batch["state"]) for status, batch in answers] == [
        (200, state) for state in ("paused", "paused", "canary", "canary")
    ]
    assert [act.action for act in world.audit_log.acts] == ["start-batch", "pause-batch", "resume-batch"]
    assert {act.batch_id for act in world.audit_log.acts} == {batch_id}
    _, batch = ask(RESUME, batch_id, {"pace": {"maxPerSecond": 5}, "stopWhen": {"failures": 3}})
    assert batch["pace"] == {"startPerSecond": 5, "maxPerSecond": 5, "doubleEverySeconds": 30}
    assert (batch["stopWhen"]["failures"], batch["changedBy"]) == (3, "alice")


@pytest.mark.parametrize("state", [BatchState.COMPLETED, BatchState.CANCELLED])
def test_what_has_ended_is_not_changed(world: World, state: BatchState) -> None:
    batch_id = started()
    stored(world, batch_id, state=state)
    for route in (PAUSE, RESUME):
        status, refused = ask(route, batch_id, {})
        assert (status, refused["code"]) == (409, "BATCH_ENDED")
        assert refused["message"] == f"The batch has ended ({state}): there is nothing left to change."
    assert ask(CANCEL, batch_id, {})[0] == (200 if state is BatchState.CANCELLED else 409)


def test_a_batch_is_cancelled_for_good(world: World) -> None:
    batch_id = started()
    answers = [ask(CANCEL, batch_id, {"openReruns": "cancel"}) for _ in range(2)]
    assert [(status, batch["state"]) for status, batch in answers] == [(200, "cancelled")] * 2
    assert answers[0][1]["endedAt"] == answers[1][1]["endedAt"] is not None


@pytest.mark.parametrize("route", [GET, RERUNS, PAUSE, RESUME, CANCEL])
def test_another_workspace_s_batch_is_none(world: World, route: str) -> None:
    batch_id = started()
    stored(world, batch_id, workspace="globex")
    for asked in (batch_id, an_id(99), "no-id"):
        status, refused = ask(route, asked, None if route.startswith("GET") else {})
        assert (status, refused["message"]) == (404, "Batch not found.")
    assert ask(LIST)[1]["data"] == []


def test_a_run_of_another_workspace_is_in_no_list_whatever_batch_it_is_of(world: World) -> None:
    batch_id = started()
    world.has_run(a_run(id=an_id(70), workspace="globex", batch_id=batch_id, created_at=clock.now()))
    assert ask(RERUNS, batch_id)[1]["data"] == []


def test_batches_are_listed_newest_first_by_the_page(world: World) -> None:
    at = clock.now()
    ids = [started() for _ in range(3)]
    for number, batch_id in enumerate(ids):
        stored(world, batch_id, created_at=at + timedelta(seconds=number))
    _, first = ask(LIST, query={"limit": "2"})
    _, rest = ask(LIST, query={"limit": "2", "cursor": first["meta"]["nextCursor"]})
    assert [each["batchId"] for each in (*first["data"], *rest["data"])] == ids[::-1]
    assert rest["meta"]["nextCursor"] is None


def test_why_a_batch_has_stopped_is_said(world: World) -> None:
    batch_id, group = started(), "5f0c3f9ad1b84c0c8d2c1f6f0e7a9b34"
    batch = world.batches.batches[batch_id]
    progress = batch.progress.evolve(
        selected=4,
        started=2,
        failed=2,
        failed_by_group={"other": 1, group: 1},
        refused={"NO_PARAMETERS": 1},
        skipped={"open": 1},
    )
    reason = {"rule": "sameErrorGroup", "error_group_id": group, "run_id": RUN_ID, "failed": 2, "ended": 2}
    stored(
        world,
        batch_id,
        **vars(type(batch).model_validate(vars(batch) | {"state": "stopped", "stop_reason": reason}))
        | {"progress": progress},
    )
    _, shown = ask(GET, batch_id)
    assert shown["stopReason"] == {
        "rule": "sameErrorGroup",
        "errorGroupId": group,
        "runId": RUN_ID,
        "failed": 2,
        "ended": 2,
    }
    assert shown["progress"]["failedByGroup"] == [
        {"errorGroupId": group, "count": 1},
        {"errorGroupId": None, "count": 1},
    ]
    assert shown["progress"]["skipped"] == {"recovered": 0, "open": 1, "limit": 0}
    assert shown["estimatedEndAt"] is None


def test_a_reason_is_required_where_the_installation_says_so(world: World) -> None:
    wiring = InMemory(world)
    wiring.requires_reason = True
    with pytest.MonkeyPatch.context() as patched:
        wire(patched, wiring)
        for body in (ALL, ALL | {"dryRun": True}):
            status, refused = ask(START, body=body)
            assert (status, refused["field"]) == (400, "reason")
        assert ask(START, body=ALL | {"reason": "Fixed"})[0] == 202
