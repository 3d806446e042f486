"""A batch's overrides are content: no answer, no log line, no act and no execution holds a value or key of theirs."""

import json
from typing import Any

import pytest

from handlers import api_audit, api_batches
from handlers.domain import clock
from handlers.domain.batches.batch import MAX_RUN_IDS
from tests.builders import FUNCTION_ID, RUN_ID, a_run, an_id
from tests.entry_points.events import CONTEXT, OWN, http_event
from tests.fakes import World

VALUE, KEY = "4711-is-the-secret", "the-secret-key"
OVERRIDES = {KEY: [VALUE]}
_GRANTS = f"{OWN}/function-triggers:execute {OWN}/function-runs:read {OWN}/audit:read"
EXECUTES = {"sub": "eve", "token_use": "access", "cognito:groups": f"[{_GRANTS}]"}


def asked(module: Any, route: str, ids: dict[str, str] | None = None, body: Any = None) -> str:
    """All that is answered, headers and all."""
    text = body if isinstance(body, str) or body is None else json.dumps(body)
    event = http_event(route, {"workspace": OWN, **(ids or {})}, body=text, claims=EXECUTES)
    return json.dumps(module.lambda_handler(event, CONTEXT))


def test_overrides_are_told_to_nobody(world: World, caplog: pytest.LogCaptureFixture) -> None:
    body: dict[str, Any] = {"runIds": [RUN_ID], "overrideParams": OVERRIDES, "canary": {"count": 0}}
    answers = [asked(api_batches, "POST /rerun-batches", body=body | {"dryRun": True})]
    answers.append(asked(api_batches, "POST /rerun-batches", body=body))
    ids = {"batchId": next(iter(world.batches.batches))}
    assert world.batches.overrides, "sealed they are kept, until nothing is left to do"
    world.step_batches()
    answers.append(asked(api_batches, "GET /rerun-batches"))
    answers += [asked(api_batches, f"GET /rerun-batches/{{batchId}}{rest}", ids) for rest in ("", "/reruns")]
    for change in ("pause", "resume", "cancel"):
        answers.append(asked(api_batches, f"POST /rerun-batches/{{batchId}}/{change}", ids, {}))
    answers.append(asked(api_audit, "GET /audit"))
    logged = [vars(record) for record in caplog.records]
    [batch] = world.batches.batches.values()
    told = str([answers, logged, world.executions.started, vars(batch)])
    assert '"hasOverrides":true' in json.loads(answers[2])["body"]
    assert '"overridden":true' in json.loads(answers[-1])["body"]
    for secret in (VALUE, KEY):
        assert secret not in told
    assert not world.batches.overrides


@pytest.mark.parametrize(
    "flaw",
    [
        {"overrideParams": {KEY: VALUE * 20_000}},
        {"overrideParams": [KEY, VALUE]},
        {"overrideParams": OVERRIDES, "pace": {"maxPerSecond": VALUE}},
        {"overrideParams": OVERRIDES, VALUE[:3]: 1},
        {"overrideParams": OVERRIDES, "filter": {"errorCode": [VALUE]}},
        {"overrideParams": OVERRIDES, "runIds": [VALUE]},
    ],
    ids=["large", "no object", "pace", "unknown", "filter", "runIds"],
)
def test_a_refusal_quotes_nothing_that_was_sent(world: World, caplog: pytest.LogCaptureFixture, flaw: Any) -> None:
    answer = asked(api_batches, "POST /rerun-batches", body={"filter": {"functionId": FUNCTION_ID}} | flaw)
    assert json.loads(answer)["statusCode"] in (400, 413)
    told = answer + str([vars(record) for record in caplog.records])
    assert VALUE not in told
    assert KEY not in told
    assert not world.batches.batches


def test_how_large_parameters_are_is_not_learnt_from_plans(world: World) -> None:
    """Who may not reveal them gets the same plan whatever they are: it does not open them."""
    plans = set()
    for number, parameters in enumerate((b"{}", json.dumps({"a": "x" * 300_000}).encode(), b"[1]")):
        run = world.has_run(
            a_run(id=an_id(50 + number), status="failure", error_code="E", created_at=clock.now()), parameters
        )
        plan = json.loads(
            asked(
                api_batches,
                "POST /rerun-batches",
                body={"runIds": [run.id], "overrideParams": {"a": "x" * 200_000}, "dryRun": True},
            )
        )
        assert plan["statusCode"] == 200
        plans.add(plan["body"])
    assert len(plans) == 1


def test_so_many_run_ids_fit(world: World) -> None:
    body = {"runIds": [an_id(number) for number in range(MAX_RUN_IDS)], "canary": {"count": 0}}
    assert json.loads(asked(api_batches, "POST /rerun-batches", body=body))["statusCode"] == 202
