"""Comparing two runs: what everybody sees, what only who may reveal sees, and that nothing of it can be guessed."""

import json
from itertools import cycle
from typing import Any

import pytest

from handlers import api_compare
from handlers.domain import clock
from handlers.domain.runs.outcome import pack
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, FunctionRun, Part
from tests.builders import FUNCTION_ID, RUN_ID, TRIGGER_ID, a_pin, a_rerun, a_run, an_id
from tests.entry_points.events import ABSENT, COMPARE, CONTEXT, OWN, answer_of, http_event
from tests.fakes import World

Json = Any
RERUN_ID = an_id(1)
READER = {
    "sub": "eve",
    "token_use": "access",
    "cognito:groups": f"[{OWN}/function-runs:read {OWN}/function-triggers:*]",
}


def has(world: World, run: FunctionRun, parameters: bytes | None = b"{}", **contents: bytes) -> FunctionRun:
    """The run with what it holds: parameters, overrides, result, error."""
    run = run.evolve(outcome_id="an-outcome")
    outcome = {Content(name): each for name, each in contents.items() if Content(name).part is Part.OUTCOME}
    texts = {Part.PARAMETERS: parameters, Part.OVERRIDES: contents.get("overrides")}
    texts[Part.OUTCOME] = pack(outcome) if outcome else None
    sealed = {
        part: world.cipher.seal(text, seal_context(run, part)) for part, text in texts.items() if text is not None
    }
    world.runs.runs.pop(run.id, None)
    for key in [key for key in world.runs.parts if key[0] == run.id]:
        del world.runs.parts[key]
    world.runs.record(run, sealed)
    return run


def compared(run_id: str = RERUN_ID, *, claims: Json = None, **query: str) -> tuple[int, Json]:
    return answer_of(api_compare, http_event(COMPARE, {"workspace": OWN, "runId": run_id}, query=query, claims=claims))


@pytest.fixture
def original(world: World) -> FunctionRun:
    at = clock.now()
    failed = {"status": "failure", "error_code": "Declined", "error_source": "function", "duration_ms": 900}
    run = a_run(created_at=at, pin=a_pin(7), **failed)
    return has(world, run, b'{"card":4711,"n":[1,2]}', error=b'{"errorMessage":"of 4711"}')


@pytest.fixture
def rerun(world: World, original: FunctionRun) -> FunctionRun:
    run = a_rerun(original, created_at=original.created_at, pin=a_pin(8, config_hash=None), use_latest_code=True)
    return has(world, run, b'{"n":[1,2],"card":4712}', overrides=b'{"card":4712}', result=b'{"paid":true}')


@pytest.mark.usefixtures("rerun")
def test_who_may_read_sees_code_and_outcome_of_both_and_which_grant_shows_the_rest(world: World) -> None:
    status, document = compared(claims=READER)
    assert status == 200
    assert (document["before"]["id"], document["after"]["id"]) == (RUN_ID, RERUN_ID)
    assert document["before"]["errorCode"] == "Declined"
    assert (document["before"]["functionVersion"], document["after"]["functionVersion"]) == ("7", "8")
    assert document["differs"] == {
        "code": True,
        "configuration": None,
        "version": True,
        "status": True,
        "errorCode": True,
        "errorSource": True,
        "durationMs": True,
        "executionAttempts": False,
    }
    assert (document["content"], document["contentNeeds"]) == (None, "function-runs:reveal")
    assert "4711" not in json.dumps(document)
    assert world.audit_log.acts == []


@pytest.mark.usefixtures("rerun")
def test_who_may_reveal_sees_what_differs_and_that_leaves_an_act(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    status, document = compared()
    assert status == 200
    assert "contentNeeds" not in document
    content = document["content"]
    changed = {"pointer": "/card", "kind": "changed", "before": 4711, "after": 4712, "shortened": 0}
    both = {"before": "kept", "after": "kept", "equal": False, "cut": None}
    assert content["parameters"] == both | {"differences": [changed]}
    one = {"equal": None, "differences": None, "cut": None}
    assert content["overrides"] == one | {"before": "none", "after": "kept"}
    assert content["result"] == one | {"before": "none", "after": "kept"}
    assert content["error"] == one | {"before": "kept", "after": "none"}
    assert content["savedResult"] is None
    (act,) = world.audit_log.acts
    assert (act.action, act.by, act.run_id, act.with_run_id) == ("compare", "alice", RERUN_ID, RUN_ID)
    assert (act.trigger_id, act.function_id) == (TRIGGER_ID, FUNCTION_ID)
    assert act.parts == ("parameters", "overrides", "result", "error")
    (line,) = [vars(record)["audit"] for record in caplog.records if "audit" in vars(record)]
    assert (line["action"], line["by"], line["outcome"]) == ("compare", "alice", "done")
    assert (line["runId"], line["withRunId"]) == (RERUN_ID, RUN_ID)
    assert "4711" not in str([vars(record) for record in caplog.records])


def test_nothing_is_shown_unless_the_act_is_written(
    world: World, rerun: FunctionRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise ConnectionError

    monkeypatch.setattr(world.audit_log, "write", fail)
    status, document = compared(rerun.id)
    assert (status, document["code"]) == (500, "INTERNAL_ERROR")


def test_runs_without_a_difference_are_equal(world: World, original: FunctionRun) -> None:
    copy = has(world, original.evolve(id=an_id(2)), b'{"n":[1,2],"card":4711.0}', error=b'{"errorMessage":"of 4711"}')
    _, document = compared(copy.id, **{"with": RUN_ID})
    assert set(document["differs"].values()) == {False}
    for name in ("parameters", "error"):
        assert (document["content"][name]["equal"], document["content"][name]["differences"]) == (True, [])
    _, itself = compared(RUN_ID, **{"with": RUN_ID})
    assert itself["content"]["parameters"]["equal"]


def test_what_is_omitted_or_erased_is_said_to_be(world: World, original: FunctionRun, rerun: FunctionRun) -> None:
    has(world, original.evolve(parameters_omitted="Too large.", result_omitted=True), None)
    has(world, rerun.evolve(erased_at=clock.now()), b'{"card":4712}', result=b"1")
    _, document = compared()
    states = {
        name: (each["before"], each["after"]) for name, each in document["content"].items() if name != "savedResult"
    }
    assert states == {
        "parameters": ("omitted", "erased"),
        "overrides": ("none", "erased"),
        "result": ("omitted", "erased"),
        "error": ("none", "erased"),
    }
    assert "4712" not in json.dumps(document), "what is erased is not shown, though it is still there"


def test_what_is_not_known_of_an_open_run_does_not_differ(world: World, original: FunctionRun) -> None:
    world.has_run(a_run(id=an_id(2), status="pending", created_at=clock.now()))
    _, document = compared(an_id(2), **{"with": original.id})
    differs = document["differs"]
    assert differs.pop("status")
    assert set(differs.values()) == {None}


def test_of_much_the_first_is_shown_and_the_rest_is_counted(world: World, original: FunctionRun) -> None:
    many = json.dumps(["a" * 3000, *range(3000)]).encode()
    copy = has(world, original.evolve(id=an_id(2)), many)
    has(world, original, json.dumps(["b" * 3000, *range(-3000, 0)]).encode())
    _, document = compared(copy.id, **{"with": original.id})
    parameters = document["content"]["parameters"]
    assert (len(parameters["differences"]), parameters["cut"]) == (1000, {"differences": 2001, "values": 2})


@pytest.mark.parametrize(
    ("changes", "is_guessed"),
    [
        ({}, True),
        ({"duration_ms": 181}, False),
        ({"effect_key": None}, False),
        ({"result": b'{"paid":false}'}, False),
        ({"status": "failure"}, False),
    ],
)
def test_a_much_faster_equal_answer_under_the_same_effect_key_is_guessed_to_be_a_saved_one(
    world: World, changes: Json, is_guessed: bool
) -> None:
    at = clock.now()
    first = has(world, a_run(created_at=at, duration_ms=900), result=b'{"paid":true}')
    result = changes.pop("result", b'{"paid": true}')
    usual = {"created_at": at + (at - at), "duration_ms": 180, "effect_key": first.id, "result_omitted": False}
    later = has(world, a_rerun(first, **usual).evolve(**changes), result=result)
    guess = compared(later.id)[1]["content"]["savedResult"]
    assert (guess is not None) == is_guessed
    assert guess is None or ("may have" in guess and "guess" in guess)


def test_what_took_no_time_anyway_says_nothing(world: World) -> None:
    first = has(world, a_run(created_at=clock.now(), duration_ms=99), result=b"1")
    later = has(world, a_rerun(first, created_at=clock.now(), duration_ms=1, effect_key=first.id), result=b"1")
    assert compared(later.id)[1]["content"]["savedResult"] is None


@pytest.mark.usefixtures("rerun")
@pytest.mark.parametrize(
    ("run_id", "query", "status", "code"),
    [
        (RUN_ID, {}, 400, "INVALID_REQUEST"),
        (RERUN_ID, {"with": ""}, 400, "INVALID_REQUEST"),
        (RERUN_ID, {"with": "no-id"}, 400, "INVALID_REQUEST"),
        (RERUN_ID, {"with": ABSENT}, 404, "NOT_FOUND"),
        (RERUN_ID, {"with": an_id(77)}, 404, "NOT_FOUND"),
        (an_id(77), {"with": RUN_ID}, 404, "NOT_FOUND"),
        (ABSENT, {}, 404, "NOT_FOUND"),
        ("no-id", {}, 400, "INVALID_RUN_ID"),
    ],
)
def test_what_cannot_be_compared_is_refused(world: World, run_id: str, query: Json, status: int, code: str) -> None:
    world.has_run(a_run(id=an_id(77), workspace="globex", created_at=clock.now()))
    answered, document = compared(run_id, **query)
    assert (answered, document["code"]) == (status, code)
    assert document.get("field") == ("with" if code == "INVALID_REQUEST" else None)
    assert world.audit_log.acts == []


@pytest.mark.usefixtures("rerun")
def test_a_run_of_another_workspace_is_answered_as_one_that_is_not_there(world: World) -> None:
    world.has_run(a_run(id=an_id(77), workspace="globex", created_at=clock.now()))
    assert compared(**{"with": an_id(77)}) == compared(**{"with": ABSENT})


def test_a_part_that_does_not_open_is_refused(world: World, rerun: FunctionRun) -> None:
    world.cipher.broken = True
    status, document = compared(rerun.id)
    assert (status, document["code"]) == (400, "DECRYPTION_FAILED")
    assert compared(rerun.id, claims=READER)[0] == 200, "who may not see it is not concerned"


def test_ten_thousand_guesses_without_the_reveal_grant_learn_nothing(world: World, original: FunctionRun) -> None:
    """Runs whose overrides, result and error are each four digits long are compared with the run that holds 4711.

    The whole answers are the same for all of them, and for runs with nothing at all.
    """
    answers = set()
    guess = a_rerun(original, created_at=original.created_at)
    path = {"workspace": OWN, "runId": guess.id}
    asked = cycle(http_event(COMPARE, path, claims=READER, query=query) for query in ({}, {"with": RUN_ID}))
    for digits in [*range(10_000), None]:
        text = b'{"card":%d,"n":[1,2]}' % (digits or 0)
        held = (
            {} if digits is None else {"overrides": text, "result": text, "error": b'{"errorMessage":"of %d"}' % digits}
        )
        has(world, guess, None if digits is None else text, **held)
        answers.add(json.dumps(api_compare.lambda_handler(next(asked), CONTEXT)))
    assert len(answers) == 1
    assert world.audit_log.acts == []
    by_alice = compared(guess.id)[1]
    assert by_alice["content"]["parameters"]["before"] == "kept", "it was there to be learnt"
