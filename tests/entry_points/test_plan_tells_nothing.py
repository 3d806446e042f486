"""Who may execute but not reveal learns nothing of a run's parameters from its plans, however often they ask."""

import base64
import json
from typing import Any

import pytest

from handlers import api_rerun_plan
from handlers.domain import clock
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.seal import SealContext
from tests.builders import a_run, an_id
from tests.domain.starting.rerunning import nothing_happened
from tests.entry_points.events import CONTEXT, OWN, http_event
from tests.fakes import FakeClock, World

PLAN = "POST /function-runs/{runId}/rerun-plan"
RUN, PIN = an_id(77), "4711"
EXECUTES = {"sub": "eve", "token_use": "access", "cognito:groups": f"[{OWN}/function-triggers:execute]"}
MAY_REVEAL = {**EXECUTES, "cognito:groups": f"[{OWN}/function-triggers:execute {OWN}/function-runs:reveal]"}


@pytest.fixture
def secret(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(clock, "now", FakeClock())
    world.has_run(a_run(id=RUN, created_at=clock.now()), json.dumps({"pin": PIN, "card": {"pin": int(PIN)}}).encode())
    return world


def plan(overrides: Any, claims: dict[str, str] = EXECUTES, **body: Any) -> Any:
    text = json.dumps({"overrideParams": overrides, **body})
    event = http_event(PLAN, {"workspace": OWN, "runId": RUN}, body=text, claims=claims)
    answer = api_rerun_plan.lambda_handler(event, CONTEXT)
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


def without_what_was_sent(document: dict[str, Any], world: World) -> tuple[str, int]:
    """The answer, its token opened, and how long that is. What the caller's own body has put in is left out."""
    document = dict(document)
    token = document.pop("planToken")
    document.pop("set")
    sealed = base64.urlsafe_b64decode(token)
    opened = json.loads(world.cipher.open(sealed, SealContext(OWN, f"PLAN#{RUN}", "token")))
    assert len(opened.pop("body")) == 64, "a digest of what was sent, and of nothing else"
    return json.dumps([document, opened], sort_keys=True), len(token)


def test_ten_thousand_guesses_of_a_pin_are_answered_alike(secret: World) -> None:
    answers = set()
    for number in range(10_000):
        guess = f"{number:04}"
        document = plan({"pin": guess, "card": {"pin": number}})
        assert document["set"] == [{"pointer": "/pin", "value": guess}, {"pointer": "/card/pin", "value": number}]
        answers.add(without_what_was_sent(document, secret))
    assert len(answers) == 1
    assert nothing_happened(secret)


def test_a_plan_takes_no_token_of_another(secret: World) -> None:
    body = json.dumps({"planToken": plan({})["planToken"]})
    event = http_event(PLAN, {"workspace": OWN, "runId": RUN}, body=body, claims=EXECUTES)
    answer = api_rerun_plan.lambda_handler(event, CONTEXT)
    refused = json.loads(answer["body"])
    assert (answer["statusCode"], refused["code"], refused["field"]) == (400, "INVALID_REQUEST", "planToken")
    assert nothing_happened(secret)


@pytest.mark.usefixtures("secret")
def test_the_same_guess_tells_who_may_reveal() -> None:
    assert plan({"pin": PIN}, MAY_REVEAL)["changes"] == []
    assert plan({"pin": PIN})["changesNeed"] == "function-runs:reveal"
    [change] = plan({"pin": "0000"}, MAY_REVEAL)["changes"]
    assert change == {"pointer": "/pin", "kind": "changed", "before": PIN, "after": "0000"}


def test_neither_keys_nor_kinds_nor_sizes_can_be_probed(secret: World) -> None:
    # Together with what the run has, some of these are a few bytes too large, and some are not.
    filler = "x" * (MAX_BYTES - 60)
    values: list[Any] = [PIN, int(PIN), None, {}, {"a": 1}, {"pin": int(PIN)}, []]
    probes: list[dict[str, Any]] = [
        *({key: value} for key in ("pin", "card", "absent") for value in values),
        *({"filler": filler[: len(filler) - cut], "pin": PIN} for cut in (0, 20, 40)),
        *({"filler": filler[: len(filler) - cut], "nip": PIN} for cut in (0, 20, 40)),
    ]
    answers = [without_what_was_sent(plan(probe) | {"isCut": False}, secret) for probe in probes]
    assert len(set(answers)) == 1
