"""Error groups over the API: what is counted, who sees frames, and how runs are found by their group."""

import json
from datetime import timedelta
from typing import Any

import pytest

from handlers import api_error_groups, api_runs
from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.runs.outcome import pack
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, FunctionRun, Part
from tests.builders import GROUP_ID, RUN_ID, TRIGGER_ID, a_group, a_rerun, a_run, an_id
from tests.entry_points.events import CONTEXT, GROUP, GROUPS, OWN, PUT_GROUP, RUNS, Json, answer_of, http_event
from tests.fakes import World

IDS = {"workspace": OWN, "errorGroupId": GROUP_ID}
READER = {"sub": "eve", "token_use": "access", "cognito:groups": f"[{OWN}/function-runs:read {OWN}/error-groups:write]"}
ERROR = json.dumps(
    {
        "errorMessage": "of 4711",
        "errorType": "Declined",
        "stackTrace": [
            '  File "/var/task/app.py", line 3, in handler\n    pay(event)\n',
            '  File "/var/task/app.py", line 9, in pay\n    raise Declined\n',
        ],
    }
).encode()


def has(world: World, number: int, error: bytes | None = ERROR, **changes: Any) -> FunctionRun:
    """A failure of the group."""
    usual = {"status": "failure", "error_group_id": GROUP_ID, "outcome_id": "an-outcome", "created_at": clock.now()}
    run = a_run(**{"id": an_id(number)} | usual | changes)
    contents = {} if error is None else {Content.ERROR: error}
    world.runs.record(run, {Part.OUTCOME: world.cipher.seal(pack(contents), seal_context(run, Part.OUTCOME))})
    return run


def asked(route: str, *, claims: Json = None, body: Json = None, ids: Json = IDS, **query: str) -> tuple[int, Json]:
    text = None if body is None else json.dumps(body)
    module = api_runs if route == RUNS else api_error_groups
    return answer_of(module, http_event(route, ids, query=query, claims=claims, body=text))


def test_a_group_shows_what_is_counted_of_its_runs(world: World) -> None:
    at = clock.now()
    original = has(world, 1, created_at=at - timedelta(minutes=2))
    has(world, 2, created_at=at - timedelta(days=3))
    newest = a_rerun(original, id=an_id(3), status="timeout", created_at=at, error_group_id=GROUP_ID)
    world.runs.record(newest, {})
    status, shown = asked(GROUP, claims=READER)
    assert status == 200
    assert (shown["failureCount"], shown["unrecoveredCount"], shown["countsCapped"]) == (2, 1, False)
    assert shown["sampleRunId"] == original.id
    assert (shown["lastSeenAt"], shown["state"], shown["version"]) == (clock.iso(at), "open", 1)
    assert sum(each["failures"] for each in shown["hours"]) == 2
    assert all(each["hour"].endswith(":00:00.000Z") for each in shown["hours"])
    assert "frames" not in shown
    _, earlier = asked(GROUP, **{"from": clock.iso(at - timedelta(days=4)), "to": clock.iso(at - timedelta(days=2))})
    assert (earlier["failureCount"], earlier["sampleRunId"]) == (1, an_id(2))


def test_one_without_a_failure_in_the_time_is_shown_when_asked_for_and_not_listed(world: World) -> None:
    status, shown = asked(GROUP)
    assert (status, shown["failureCount"], shown["hours"], shown["lastSeenAt"]) == (200, 0, [], None)
    assert shown["sampleRunId"] == RUN_ID
    _, later = asked(GROUPS, **{"from": clock.iso(clock.now() + timedelta(minutes=1))})
    assert later["data"] == []
    has(world, 1)
    _, listed = asked(GROUPS, limit="10")
    assert [each["errorGroupId"] for each in listed["data"]] == [GROUP_ID]
    assert listed["meta"] == {"pageSize": 10, "nextCursor": None}


def test_the_list_goes_on_where_it_has_ended(world: World) -> None:
    has(world, 1)
    has(world, 2, error_group_id="f" * 32)
    world.groups.create(a_group(id="f" * 32, opened_at=clock.now() - timedelta(hours=1)))
    _, first = asked(GROUPS, limit="1")
    _, second = asked(GROUPS, limit="1", cursor=first["meta"]["nextCursor"])
    assert [each["errorGroupId"] for page in (first, second) for each in page["data"]] == [GROUP_ID, "f" * 32]
    assert second["meta"]["nextCursor"] is None


def test_hours_of_a_week_are_shown_at_most(world: World) -> None:
    at = clock.now()
    for number in range(200):
        has(world, number, None, created_at=at - timedelta(hours=number))
    _, shown = asked(GROUP, **{"from": clock.iso(at - timedelta(days=30))})
    assert (shown["failureCount"], len(shown["hours"])) == (200, 168)
    assert shown["hours"][-1]["hour"][:13] == clock.iso(at)[:13]


def test_who_may_reveal_sees_the_frames_of_the_sample_and_that_leaves_an_act(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    run = has(world, 1)
    status, shown = asked(GROUP, include="frames")
    assert (status, shown["frames"]) == (200, ["pay", "handler"])
    [act] = world.audit_log.acts
    assert (act.action, act.by, act.parts) == ("reveal", "alice", ("frames",))
    assert (act.run_id, act.trigger_id, act.error_group_id) == (run.id, TRIGGER_ID, GROUP_ID)
    [line] = [vars(record)["audit"] for record in caplog.records if "audit" in vars(record)]
    assert (line["action"], line["errorGroupId"], line["parts"], line["outcome"]) == (
        "reveal",
        GROUP_ID,
        ["frames"],
        "done",
    )
    assert "pay" not in str([vars(record) for record in caplog.records])


def test_who_may_not_reveal_sees_none_and_learns_nothing_of_what_a_run_holds(world: World) -> None:
    assert asked(GROUP, claims=READER, include="frames")[0] == 403
    answers = set()
    run = has(world, 1)
    for error in (ERROR, ERROR.replace(b"pay", b"ship"), b"{}", None):
        world.runs.runs.pop(run.id)
        world.runs.parts.clear()
        has(world, 1, error, created_at=run.created_at)
        event = http_event(GROUP, IDS, claims=READER)
        answers.add(json.dumps(api_error_groups.lambda_handler(event, CONTEXT)))
    assert len(answers) == 1
    [answer] = answers
    assert not [word for word in ("pay", "ship", "handler", "frames") if word in answer]
    assert world.audit_log.acts == []


@pytest.mark.parametrize(
    ("changes", "error", "frames"),
    [
        ({"erased_at": clock.now()}, ERROR, None),
        ({}, None, None),
        ({}, b'{"errorType": "Runtime.ExitError"}', []),
        ({}, b"no JSON", []),
    ],
)
def test_where_no_error_is_kept_or_has_no_trace_there_are_none(
    world: World, changes: Json, error: bytes | None, frames: Json
) -> None:
    has(world, 1, error, **changes)
    status, shown = asked(GROUP, include="frames")
    assert (status, shown["frames"]) == (200, frames)
    assert len(world.audit_log.acts) == 1


def test_of_a_sample_that_has_expired_nothing_is_shown(world: World) -> None:
    world.groups.groups[OWN, GROUP_ID] = a_group(opened_at=clock.now(), sample_run_id=an_id(99))
    assert asked(GROUP, include="frames")[1]["frames"] is None
    assert world.audit_log.acts == []


def test_no_frame_is_shown_unless_the_act_is_written(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    has(world, 1)

    def fail(_: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(world.audit_log, "write", fail)
    status, document = asked(GROUP, include="frames")
    assert (status, document["code"]) == (503, "UNAVAILABLE")


def test_an_error_that_does_not_open_is_refused(world: World) -> None:
    has(world, 1)
    world.cipher.broken = True
    status, document = asked(GROUP, include="frames")
    assert (status, document["code"]) == (400, "DECRYPTION_FAILED")
    assert asked(GROUP)[0] == 200


def test_a_group_of_another_workspace_is_answered_as_one_that_is_not_there(world: World) -> None:
    world.groups.create(a_group(id="f" * 32, workspace="globex", opened_at=clock.now()))
    has(world, 1, workspace="globex", error_group_id="f" * 32)
    change = {"state": "ignored", "version": 1}
    for id_ in ("f" * 32, "a" * 32, "no-id", RUN_ID):
        ids = IDS | {"errorGroupId": id_}
        for status, document in (
            asked(GROUP, ids=ids),
            asked(GROUP, ids=ids, include="frames"),
            asked(PUT_GROUP, ids=ids, body=change),
        ):
            assert (status, document["code"], document["message"]) == (404, "NOT_FOUND", "Error group not found.")
    assert "f" * 32 not in [each["errorGroupId"] for each in asked(GROUPS)[1]["data"]]
    assert asked(RUNS, errorGroupId="f" * 32)[1]["data"] == []
    assert world.audit_log.acts == []


def test_a_resolved_group_says_so_and_its_etag_is_that_of_the_change(world: World) -> None:
    body = {"state": "resolved", "resolvedInVersion": "8", "version": 1}
    event = http_event(PUT_GROUP, IDS, body=json.dumps(body), claims=READER)
    answer = api_error_groups.lambda_handler(event, CONTEXT)
    shown = json.loads(answer["body"])
    assert (shown["state"], shown["resolvedInVersion"], shown["changedBy"]) == ("resolved", "8", "eve")
    assert (answer["headers"]["ETag"], shown["version"]) == ('"2"', 2)
    assert asked(GROUP)[1] == shown
    assert [(act.action, act.error_group_state) for act in world.audit_log.acts] == [("change-error-group", "resolved")]
    for stale, status, code in (
        ({"state": "open"}, 428, "VERSION_REQUIRED"),
        ({"state": "open", "version": 1}, 412, "STALE"),
    ):
        refused, document = asked(PUT_GROUP, body=stale)
        assert (refused, document["code"]) == (status, code)


def test_runs_are_found_by_their_group(world: World) -> None:
    run = has(world, 1)
    has(world, 2, error_group_id="f" * 32)
    has(world, 3, recovered_by=an_id(9))
    _, listed = asked(RUNS, errorGroupId=GROUP_ID.upper())
    assert {each["id"] for each in listed["data"]} == {run.id, an_id(3)}
    assert {each["errorGroupId"] for each in listed["data"]} == {GROUP_ID}
    _, unrecovered = asked(RUNS, errorGroupId=GROUP_ID, recovered="false")
    assert [each["id"] for each in unrecovered["data"]] == [run.id]
