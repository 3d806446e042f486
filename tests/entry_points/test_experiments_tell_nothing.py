"""Who may execute and read but not reveal learns nothing of a run's content from experiments, however many they start."""

import json
from typing import Any

import pytest

from handlers import api_compare, api_experiments
from handlers.domain import clock
from handlers.domain.runs.outcome import pack
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import Content, FunctionRun, Part, Status
from tests.builders import FUNCTION_ARN, FUNCTION_ID, TRIGGER_ID, a_function, a_run, an_id
from tests.entry_points.events import CONTEXT, OWN, http_event
from tests.fakes import FakeClock, World

POST = "POST /function-runs/{runId}/experiments"
GET = "GET /function-runs/{runId}/experiments/{experimentId}"
RUN, STAGING, PIN = an_id(77), an_id(78), "4711"
_GRANTS = f"{OWN}/function-triggers:execute {OWN}/function-runs:read {OWN}/compute-functions:*"
EXECUTES = {"sub": "eve", "token_use": "access", "cognito:groups": f"[{_GRANTS}]"}
MAY_REVEAL = {**EXECUTES, "cognito:groups": f"[{_GRANTS} {OWN}/function-runs:reveal]"}


@pytest.fixture
def secret(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A run whose results have a secret key, with another value each time: who ignores that key makes them equal."""
    monkeypatch.setattr(clock, "now", FakeClock())
    world.runs.max_reruns = 10**6
    staging = FUNCTION_ARN.replace("orders-import", "orders-staging")
    world.registry.functions[STAGING] = a_function(id=STAGING, name="staging", function_arn=staging)
    world.has_run(a_run(id=RUN, created_at=clock.now()), json.dumps({"pin": PIN}).encode())
    completed(world, world.run(RUN), 0)
    return world


def completed(world: World, run: FunctionRun, number: int) -> None:
    ended = run.evolve(status=Status.COMPLETED, outcome_id=str(number), duration_ms=5, deadline=None)
    world.runs.runs[run.id] = ended
    result = {Content.RESULT: json.dumps({PIN: number}).encode()}
    sealed = world.cipher.seal(pack(result), seal_context(ended, Part.OUTCOME))
    world.runs._store(ended, {Part.OUTCOME: sealed})


def answer(module: Any, route: str, ids: dict[str, str], claims: dict[str, str], body: Any = None) -> tuple[int, str]:
    text = None if body is None else json.dumps(body)
    event = http_event(route, {"workspace": OWN, "runId": RUN, **ids}, body=text, claims=claims)
    answered = module.lambda_handler(event, CONTEXT)
    return answered["statusCode"], answered["body"]


def tried(world: World, claims: dict[str, str], **body: Any) -> tuple[int, str, int, str]:
    """All that is answered when an experiment is started and read once it is over; its ids count as one."""
    status, accepted = answer(api_experiments, POST, {}, claims, body)
    started = json.loads(accepted)
    runs = [*started["pinned"], *started["candidate"]]
    for number, run_id in enumerate(runs, start=1):
        completed(world, world.run(run_id), number)
    read, shown = answer(api_compare, GET, {"experimentId": started["experimentId"]}, claims)
    for number, each in enumerate([started["experimentId"], *runs]):
        accepted, shown = accepted.replace(each, f"id {number}"), shown.replace(each, f"id {number}")
    return status, accepted, read, shown


def test_ten_thousand_guesses_of_a_key_are_answered_alike(secret: World) -> None:
    answers = {tried(secret, EXECUTES, ignore=[f"/{number:04}"]) for number in range(10_000)}
    assert len(answers) == 1
    [(started, _, read, shown)] = answers
    assert (started, read) == (202, 200)
    assert '"verdict":null' in shown
    assert '"noVerdict":"reveal-required"' in shown


@pytest.mark.parametrize("candidate", [{"candidateFunctionId": STAGING}, {"candidateVersion": "8"}], ids=str)
def test_no_candidate_makes_a_difference(secret: World, candidate: dict[str, Any]) -> None:
    guesses: tuple[list[str], ...] = ([], ["/0000"], [f"/{PIN}"], ["/*"], [f"/{PIN}/*"])
    assert len({tried(secret, EXECUTES, ignore=guess, **candidate) for guess in guesses}) == 1


def test_what_is_ignored_by_the_function_makes_no_difference(secret: World) -> None:
    answers = set()
    for guess in ("0000", PIN):
        secret.registry.functions[FUNCTION_ID] = a_function(ignore_differences=[f"/{guess}"])
        answers.add(tried(secret, EXECUTES))
    assert len(answers) == 1


def test_the_same_guess_tells_who_may_reveal(secret: World) -> None:
    assert json.loads(tried(secret, MAY_REVEAL, ignore=["/0000"])[3])["verdict"] == "flaky"
    assert json.loads(tried(secret, MAY_REVEAL, ignore=[f"/{PIN}"])[3])["verdict"] == "same"


def test_everybody_is_told_who_asked_and_why_and_what_was_ignored_with_the_verdict(secret: World) -> None:
    seen = [
        json.loads(tried(secret, claims, ignore=[f"/{PIN}"], reason="Why?")[3]) for claims in (EXECUTES, MAY_REVEAL)
    ]
    assert [(each["by"], each["reason"]) for each in seen] == [("eve", "Why?")] * 2
    assert [each["ignore"] for each in seen] == [None, [f"/{PIN}"]]


def test_what_a_function_ignores_is_shown_as_it_was_when_the_experiment_was_started(secret: World) -> None:
    secret.registry.functions[FUNCTION_ID] = a_function(ignore_differences=["/at"])
    _, accepted = answer(api_experiments, POST, {}, MAY_REVEAL, {})
    secret.registry.functions[FUNCTION_ID] = a_function(ignore_differences=["/id"])
    started = json.loads(accepted)
    ids = {"experimentId": started["experimentId"]}
    assert json.loads(answer(api_compare, GET, ids, MAY_REVEAL)[1])["ignore"] is None, "with the verdict, and its act"
    for run_id in (*started["pinned"], *started["candidate"]):
        completed(secret, secret.run(run_id), 0)
    shown = json.loads(answer(api_compare, GET, ids, MAY_REVEAL)[1])
    assert (shown["verdict"], shown["ignore"]) == ("same", ["/at"])


def test_before_its_runs_have_ended_nobody_is_told(secret: World) -> None:
    _, accepted = answer(api_experiments, POST, {}, MAY_REVEAL, {})
    ids = {"experimentId": json.loads(accepted)["experimentId"]}
    shown = {json.loads(answer(api_compare, GET, ids, claims)[1])["noVerdict"] for claims in (EXECUTES, MAY_REVEAL)}
    assert shown == {"reveal-required", "runs-open"}


def test_a_verdict_that_is_shown_leaves_an_act_and_what_is_not_shown_none(secret: World) -> None:
    tried(secret, EXECUTES)
    assert [act.action for act in secret.audit_log.acts] == ["experiment"]
    tried(secret, MAY_REVEAL)
    *_, act = secret.audit_log.acts
    assert (act.action, act.by, act.run_id) == ("experiment-verdict", "eve", RUN)
    assert (act.trigger_id, act.function_id) == (TRIGGER_ID, FUNCTION_ID)
    assert len(secret.audit_log.acts) == 3


def test_a_verdict_is_shown_and_leaves_an_act_though_its_source_has_expired(secret: World) -> None:
    _, accepted = answer(api_experiments, POST, {}, MAY_REVEAL, {})
    started = json.loads(accepted)
    for number, run_id in enumerate([*started["pinned"], *started["candidate"]]):
        completed(secret, secret.run(run_id), number)
    del secret.runs.runs[RUN]
    # Asked of a run of its own: the source is not there to be asked.
    ids = {"runId": started["pinned"][0], "experimentId": started["experimentId"]}
    assert json.loads(answer(api_compare, GET, ids, MAY_REVEAL)[1])["verdict"] == "inconclusive"
    *_, act = secret.audit_log.acts
    assert (act.run_id, act.experiment_id, act.trigger_id) == (RUN, started["experimentId"], None)
