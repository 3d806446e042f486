"""What a person or a machine has done is kept as one act: who, what, to which of our things, why; and can be asked."""

import json
from typing import Any

import pytest

from handlers import api_audit, api_cancel, api_rerun, api_runs, api_triggers, api_webhooks
from handlers.api.catalogue import OPERATIONS
from handlers.domain import clock
from handlers.domain.audit.act import Act, Action
from handlers.domain.errors import Unavailable
from handlers.domain.runs.run import FunctionRun
from tests.builders import FUNCTION_ID, RUN_ID, TRIGGER_ID, a_batch, a_run, an_act, an_id
from tests.entry_points.events import (
    AUDIT,
    CONTEXT,
    EXECUTE,
    OWN,
    PATH,
    RERUN,
    RUN,
    WEBHOOK,
    Json,
    answer_of,
    http_event,
)
from tests.entry_points.in_memory import InMemory, wire
from tests.entry_points.test_audit_lines import ACTS, WITHOUT_BODY, done
from tests.fakes import World

CANCEL = "POST /function-runs/{runId}/cancel"
IDS = {"workspace": OWN, "runId": RUN_ID}
# It changes nothing and its role writes nothing: the log has a line of it.
PLAN = "plan-rerun"
REQUEST = "JKJaXmPLvHcESHA="


def claims(*grants: str, sub: str = "bob") -> Json:
    return {"sub": sub, "token_use": "access", "cognito:groups": f"[{' '.join(f'{OWN}/{each}' for each in grants)}]"}


def rerun(headers: dict[str, str] | None = None, **body: Json) -> tuple[int, Json]:
    return answer_of(api_rerun, http_event(RERUN, IDS, body=json.dumps(body), headers=headers))


def listed(*grants: str, workspace: str = OWN, **query: str) -> list[Json]:
    event = http_event(AUDIT, {"workspace": workspace}, query=query, claims=claims(*grants) if grants else None)
    status, document = answer_of(api_audit, event)
    assert status == 200, document
    return list(document["data"])


def the_act(world: World) -> Act:
    [act] = world.audit_log.acts
    return act


def started(world: World) -> FunctionRun:
    [run] = [run for run in world.runs.runs.values() if run.id not in (RUN_ID, an_id(9))]
    return run


@pytest.fixture
def actable(world: World) -> World:
    world.has_run(a_run(id=an_id(9), status="pending", created_at=clock.now()))
    batch = a_batch(id=an_id(8))
    world.batches.batches[batch.id] = batch
    return world


def test_what_an_operation_is_audited_as_is_an_action() -> None:
    audited = {each.audited for each in OPERATIONS} | {one.audited for each in OPERATIONS for one in each.query}
    assert audited - {None, PLAN} <= {*Action}


@pytest.mark.parametrize("action", [each for each in ACTS if each not in ("rotate-secret", PLAN)])
def test_what_is_done_is_one_act_by_who_did_it(actable: World, action: str) -> None:
    assert done(action) < 300
    act = the_act(actable)
    assert (act.action, act.by, act.workspace, act.request_id) == (action, "alice", OWN, REQUEST)
    shown = act.model_dump(by_alias=True)
    assert shown | ACTS[action][2] == shown


@pytest.mark.parametrize("action", ACTS)
def test_what_is_refused_is_none(actable: World, action: str) -> None:
    assert done(action, claims=claims("audit:read", sub="eve")) == 403
    assert done(action, claims={"sub": "alice", "token_use": "id"}) == 401
    if action not in WITHOUT_BODY:
        assert done(action, body='{"no such field": 1}') == 400
    assert actable.audit_log.acts == []


def test_a_rerun_names_both_runs_and_is_found_by_either_and_by_the_trigger(world: World) -> None:
    rerun(reason="Testing fix", useLatestCode=True, overrideParams={"a": {"b": 2}})
    new = started(world)
    expected = {
        "action": "rerun",
        "by": "alice",
        "requestId": REQUEST,
        "runId": RUN_ID,
        "jobId": new.id,
        "triggerId": TRIGGER_ID,
        "functionId": FUNCTION_ID,
        "reason": "Testing fix",
        "useLatestCode": True,
        "overridden": True,
    }
    for query in ({"runId": RUN_ID}, {"runId": new.id}, {"triggerId": TRIGGER_ID}, {"action": "rerun", "by": "alice"}):
        [shown] = listed("audit:read", **query)
        assert shown | expected == shown
    assert listed("audit:read", by="bob") == listed("audit:read", runId=an_id(5)) == []


def test_what_was_overridden_is_shown_to_who_may_reveal_and_that_is_an_act(world: World) -> None:
    rerun(overrideParams={"a": {"b": "content"}})
    rerun(overrideParams={"c": 1})
    rerun()
    assert not [each for each in listed("audit:read") if "overridePaths" in each]
    assert len(world.audit_log.acts) == 3

    shown = listed("audit:read", "function-runs:reveal")
    assert sorted(each.get("overridePaths", []) for each in shown) == [[], ["/a/b"], ["/c"]]
    assert [(act.action, act.by) for act in world.audit_log.acts[3:]] == [("reveal-override-paths", "bob")]
    # Without any to show there is none.
    listed("audit:read", "function-runs:reveal", action="execute")
    assert len(world.audit_log.acts) == 4
    assert b"a/b" not in str(world.audit_log.sealed).encode()


def test_the_audit_of_another_workspace_is_not_shown(world: World) -> None:
    world.audit_log.write(an_act(workspace="globex"))
    assert listed() == []
    event = http_event(AUDIT, {"workspace": "globex"})
    assert answer_of(api_audit, event)[0] == 403


def test_who_executes_a_trigger_is_known_of_the_run(world: World) -> None:
    event = http_event(EXECUTE, {"workspace": OWN, "triggerId": TRIGGER_ID}, body="{}")
    _, document = answer_of(api_triggers, event)
    _, run = answer_of(api_runs, http_event(RUN, {"workspace": OWN, "runId": document["jobId"]}))
    assert run["startedBy"] == "alice"
    act = the_act(world)
    assert (act.job_id, act.run_id, act.trigger_id, act.function_id) == (run["id"], None, TRIGGER_ID, FUNCTION_ID)


def test_what_starts_by_itself_is_started_by_nobody_and_is_no_act(world: World) -> None:
    assert answer_of(api_webhooks, http_event(WEBHOOK, {"workspace": OWN, "path": PATH}, body="{}"))[0] == 202
    assert started(world).started_by is None
    assert world.audit_log.acts == []


def test_the_same_request_sent_again_is_no_second_act(world: World) -> None:
    answers = {rerun({"idempotency-key": "one"})[1]["jobId"] for _ in range(2)}
    again = {"idempotency-key": "another"}
    execute = http_event(EXECUTE, {"workspace": OWN, "triggerId": TRIGGER_ID}, body="{}", headers=again)
    answers |= {answer_of(api_triggers, execute)[1]["jobId"] for _ in range(2)}
    assert len(answers) == len(world.audit_log.acts) == 2


@pytest.mark.parametrize("status", ["pending", "running"])
def test_a_cancellation_is_one_act_however_often_it_is_asked_for(world: World, status: str) -> None:
    world.has_run(a_run(id=an_id(8), status=status, created_at=clock.now()))
    for _ in range(2):
        assert answer_of(api_cancel, http_event(CANCEL, {"workspace": OWN, "runId": an_id(8)}))[0] < 300
    act = the_act(world)
    assert (act.action, act.run_id, act.trigger_id, act.by) == ("cancel", an_id(8), TRIGGER_ID, "alice")


def test_a_reveal_says_what_was_shown(world: World) -> None:
    event = http_event(RUN, IDS, query={"include": "parameters,result"})
    for _ in range(2):
        assert answer_of(api_runs, event)[0] == 200
    assert [act.parts for act in world.audit_log.acts] == [("parameters", "result")] * 2
    answer_of(api_runs, http_event(RUN, IDS))
    assert len(world.audit_log.acts) == 2


def test_what_cannot_be_audited_is_not_revealed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise Unavailable

    rerun(overrideParams={"a": 1})
    monkeypatch.setattr(world.audit_log, "write", fail)
    assert answer_of(api_runs, http_event(RUN, IDS, query={"include": "parameters"}))[0] == 503
    assert answer_of(api_audit, http_event(AUDIT, {"workspace": OWN}))[0] == 503


class TestReason:
    @pytest.fixture
    def required(self, world: World, monkeypatch: pytest.MonkeyPatch) -> World:
        wiring = InMemory(world)
        wiring.requires_reason = True
        wire(monkeypatch, wiring)
        return world

    @pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": " \u2800"}])
    def test_where_it_is_required_a_rerun_without_one_is_refused_before_anything_is_read(
        self, required: World, monkeypatch: pytest.MonkeyPatch, body: Json
    ) -> None:
        monkeypatch.delattr(type(required.runs), "read_with_key")
        status, document = rerun(**body)
        assert (status, document["code"], document["field"]) == (400, "INVALID_REQUEST", "reason")
        answered: Json = api_rerun.lambda_handler({"workspace": OWN, "runId": "none", **body}, CONTEXT)
        assert (answered["code"], answered["field"]) == ("INVALID_REQUEST", "reason")

    def test_with_one_it_is_accepted(self, required: World) -> None:
        assert rerun(reason="a fix")[0] == 202
        answered: Json = api_rerun.lambda_handler(IDS | {"reason": "a fix", "rerunBy": "carol"}, CONTEXT)
        assert "jobId" in answered
        assert [(act.by, act.reason) for act in required.audit_log.acts] == [
            ("alice", "a fix"),
            ("console:carol", "a fix"),
        ]

    def test_where_it_is_not_required_none_is_needed(self, world: World) -> None:
        assert rerun()[0] == 202
