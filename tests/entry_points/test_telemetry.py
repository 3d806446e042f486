"""What operators are told: lines that name what they concern, faults once each, and counts."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pydantic import BaseModel, ValidationError

from handlers import (
    api_rerun,
    api_runs,
    capture_failures,
    execute_runs,
    housekeeping,
    on_event,
    on_run_failed,
    sweep_versions,
    watchdog,
)
from handlers.api.runs import RunView
from handlers.api.views import Error
from handlers.aws import aws_errors
from handlers.domain.errors import Unavailable
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.runs.run import FunctionRun
from handlers.domain.seal import SealContext
from handlers.telemetry import SERVICE, Metric, count
from tests.builders import RUN_ID, a_rerun, an_id
from tests.domain.starting.capturing import a_record, has_capturing
from tests.entry_points.events import CONTEXT, OWN, RERUN, ROUTES, RUN, answer_of, http_event
from tests.entry_points.in_memory import InMemory, a_world, wire
from tests.fakes import World

RERUN_ID = an_id(50)
Line = dict[str, Any]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """A completed run, and a pending re-run of it."""
    world = a_world()
    world.has_run(a_rerun(world.run(RUN_ID), id=RERUN_ID, status="pending"))
    wire(monkeypatch, InMemory(world))
    return world


def lines(caplog: pytest.LogCaptureFixture) -> list[Line]:
    return [vars(record) for record in caplog.records]


def ids_of(line: Line) -> tuple[str | None, str | None, str | None]:
    return line["requestId"], line.get("runId"), line.get("originalRunId")


def messages(*bodies: Any) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m-{number}", "body": json.dumps(body), "eventSource": "aws:sqs"}
            for number, body in enumerate(bodies)
        ]
    }


def down(*_: Any, **__: Any) -> Any:
    raise Unavailable


@pytest.mark.parametrize(
    "module",
    [
        *dict.fromkeys(ROUTES.values()),
        capture_failures,
        execute_runs,
        housekeeping,
        on_event,
        on_run_failed,
        sweep_versions,
        watchdog,
    ],
    ids=lambda module: module.__name__,
)
def test_each_entry_point_is_decorated_alike(module: Any) -> None:
    assert module.lambda_handler.__wrapped__.__wrapped__.__module__ == module.__name__


def test_the_lines_of_a_request_name_it_as_its_answer_does_and_the_run_and_its_original(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(world.runs, "record_rerun", down)
    status, document = answer_of(api_rerun, http_event(RERUN, {"workspace": OWN, "runId": RERUN_ID}, body="{}"))
    assert status == 503
    assert [line["msg"] for line in lines(caplog)] == ["audit", "fault"]
    assert {ids_of(line) for line in lines(caplog)} == {(document["requestId"], RERUN_ID, RUN_ID)}


def test_a_run_that_cannot_even_be_read_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(world.runs, "read_run", down)
    status, document = answer_of(api_runs, http_event(RUN, {"workspace": OWN, "runId": RERUN_ID}))
    assert status == 503
    assert [ids_of(line) for line in lines(caplog)] == [(document["requestId"], RERUN_ID, None)]


def test_an_execution_is_named_by_run_and_message_and_says_what_became_of_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    execute_runs.lambda_handler(messages({"runId": RERUN_ID}), CONTEXT)
    [line] = lines(caplog)
    assert ids_of(line) == (CONTEXT.aws_request_id, RERUN_ID, RUN_ID)
    assert (line["messageId"], line["result"]) == ("m-0", "finished")


def test_nothing_of_one_message_or_invocation_is_on_the_lines_of_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    has_capturing(world)
    capture_failures.lambda_handler(messages(a_record(), "no record"), CONTEXT)
    execute_runs.lambda_handler(messages("no message"), CONTEXT)
    captured, *others = lines(caplog)
    assert captured["runId"] == captured["originalRunId"]
    assert [(line["messageId"], "runId" in line) for line in others] == [("m-1", False), ("m-0", False)]


def test_what_aws_refuses_for_good_is_logged_once_and_where_it_was_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "FunctionRerun")

    def refused(_: bytes, __: SealContext) -> bytes:
        with aws_errors.translated():
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "Encrypt")

    monkeypatch.setattr(world.cipher, "seal", refused)
    status, document = answer_of(api_rerun, http_event(RERUN, {"workspace": OWN, "runId": RERUN_ID}, body="{}"))
    assert status == 500
    [fault] = [line for line in lines(caplog) if line["msg"] == "fault"]
    assert fault["permanent"] is True
    assert fault["causes"][0]["awsError"] == "AccessDeniedException"
    assert any("start.py" in place for place in fault["at"])
    assert ids_of(fault) == (document["requestId"], RERUN_ID, RUN_ID)


def test_a_count_is_one_line_whose_dimension_is_the_same_in_every_lambda(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "watchdog")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "FunctionRerun")
    count(Metric.FAILURES_CAPTURED)
    count(Metric.FAILURES_NOT_PERMITTED)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    [directive] = first["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "FunctionRerun",
        "Dimensions": [["service"]],
        "Metrics": [{"Name": "FailuresCaptured", "Unit": "Count"}],
    }
    assert (first["service"], first["FailuresCaptured"]) == (SERVICE, [1.0])
    assert (second["service"], second["FailuresNotPermitted"]) == (SERVICE, [1.0])


@pytest.mark.parametrize("kind", [FunctionRun, FunctionTrigger, Error, RunView], ids=lambda kind: kind.__name__)
def test_what_cannot_be_read_or_shown_is_quoted_by_no_exception(kind: type[BaseModel]) -> None:
    """One that leaves a handler is printed by Lambda's runtime."""
    with pytest.raises(ValidationError) as refused:
        kind.model_validate({name: {"a": "secret"} for name in kind.model_fields})
    assert "secret" not in str(refused.value)
