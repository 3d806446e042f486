"""Who may execute but not reveal learns the size of a run's parameters from re-runs, and nothing else."""

import json
from typing import Any

import pytest

from handlers import api_rerun
from handlers.domain import clock
from handlers.domain.json_document import MAX_BYTES, compact
from tests.builders import a_run, an_id
from tests.domain.starting.rerunning import nothing_happened
from tests.entry_points.events import CONTEXT, OWN, RERUN, http_event
from tests.fakes import FakeClock, World

RUN = an_id(77)
PARAMETERS = {"pin": "4711", "card": {"pin": 4711}}
SIZE = len(compact(PARAMETERS))
EXECUTES = {"sub": "eve", "token_use": "access", "cognito:groups": f"[{OWN}/function-triggers:execute]"}
MAY_REVEAL = {**EXECUTES, "cognito:groups": f"[{OWN}/function-triggers:execute {OWN}/function-runs:reveal]"}


@pytest.fixture
def secret(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(clock, "now", FakeClock())
    world.has_run(a_run(id=RUN, created_at=clock.now()), compact(PARAMETERS).encode())
    return world


def over_http(overrides: Any, claims: dict[str, str] = EXECUTES) -> tuple[int, str]:
    event = http_event(
        RERUN, {"workspace": OWN, "runId": RUN}, body=json.dumps({"overrideParams": overrides}), claims=claims
    )
    answer = api_rerun.lambda_handler(event, CONTEXT)
    document = json.loads(answer["body"])
    return answer["statusCode"], document["message"]


def from_the_console(overrides: Any) -> tuple[int, str]:
    document = api_rerun.lambda_handler({"workspace": OWN, "runId": RUN, "overrideParams": overrides}, CONTEXT)
    return (202 if "jobId" in document else 413), document["message"]


def padded(overrides: dict[str, Any], size: int) -> dict[str, Any]:
    """With a filler that makes them that large."""
    return {**overrides, "f": "x" * (size - len(compact({**overrides, "f": ""})))}


PROBES: list[dict[str, Any]] = [
    *({key: "0000"} for key in ("pin", "nip", "pan", "card")),
    {"card": {"pin": 1}},
    {"card": {"nip": 1}},
    {"pin": {}},
    {"absent": {"a": {}}},
    {},
]


@pytest.mark.parametrize("ask", [over_http, from_the_console])
@pytest.mark.parametrize(("size", "status"), [(MAX_BYTES - SIZE, 202), (MAX_BYTES - SIZE + 1, 413), (MAX_BYTES, 413)])
@pytest.mark.usefixtures("secret")
def test_overrides_of_one_size_are_answered_alike_whatever_they_replace(ask: Any, size: int, status: int) -> None:
    [(answered, _)] = {ask(padded(probe, size)) for probe in PROBES}
    assert answered == status


def test_what_is_refused_leaves_nothing(secret: World) -> None:
    assert {over_http(padded(probe, MAX_BYTES))[0] for probe in PROBES} == {413}
    assert nothing_happened(secret)
    assert not secret.runs.acts


@pytest.mark.usefixtures("secret")
def test_who_may_reveal_is_measured_by_what_the_rerun_would_have() -> None:
    answers = [over_http(padded({key: "0000"}, MAX_BYTES - SIZE + 10), MAY_REVEAL)[0] for key in ("pin", "nip")]
    assert answers == [202, 413]
