import json
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, Unavailable
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import VERSION_NOT_FOUND, PermanentFailure
from handlers.domain.runs.run import Content, ErrorSource, ExecutionSource, FunctionRun, Pin, Status
from handlers.domain.starting.captures import CaptureResult
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ARN, FUNCTION_ID, NOW, TRIGGER_ID, WORKSPACE, a_pin
from tests.domain.starting.capturing import ERROR, REQUEST_ID, a_record, captured, has_capturing, read, the_run
from tests.domain.starting.rerunning import request, rerun
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World
from tests.fakes.services import FakeInvoker

PINNED = f"{FUNCTION_ARN}:7"


@pytest.fixture
def capturing(world: World) -> World:
    has_capturing(world)
    return world


def test_a_failed_invocation_becomes_a_run_that_has_failed(capturing: World) -> None:
    run = the_run(capturing)
    assert (run.workspace, run.function_id, run.trigger_id) == (WORKSPACE, FUNCTION_ID, TRIGGER_ID)
    assert (run.status, run.error_code, run.execution_source) == (
        Status.FAILURE,
        "ValueError",
        ExecutionSource.CAPTURED,
    )
    assert run.function_arn == FUNCTION_ARN
    assert (run.created_at, run.ended_at, run.expires_at) == (NOW, NOW, NOW + timedelta(days=90))
    assert capturing.opened(run, Content.PARAMETERS) == b'{"order":1.0}'
    assert json.loads(capturing.opened(run, Content.ERROR) or b"") == ERROR
    assert not capturing.queue.pushed, "it is not to be executed"


def test_what_went_wrong_is_sealed(capturing: World) -> None:
    the_run(capturing)
    assert "hush" not in str(capturing.runs.runs) + str(capturing.runs.parts) + str(capturing.bus.published)


def test_a_record_is_read_alone_or_as_the_detail_of_an_event() -> None:
    event = {
        "version": "0",
        "id": "x",
        "source": "lambda",
        "detail-type": "Lambda Function Invocation Result - Failure",
    }
    assert read(event | {"detail": a_record()}) == read(a_record())


def test_what_aws_adds_to_its_records_is_passed_over(capturing: World) -> None:
    assert the_run(capturing, a_record({"new": 1}, {"new": 2}, new=3)).error_code == "ValueError"


@pytest.mark.parametrize("qualifier", ["", ":$LATEST", ":live", ":7"])
def test_a_function_is_known_by_its_arn_however_it_was_invoked(capturing: World, qualifier: str) -> None:
    assert the_run(capturing, a_record({"functionArn": FUNCTION_ARN + qualifier})).function_id == FUNCTION_ID


def test_a_record_of_a_success_is_passed_over(capturing: World) -> None:
    record = a_record({"condition": "Success"}, responsePayload={"ok": True})
    assert captured(capturing, record) == [CaptureResult.NO_FAILURE]
    assert not capturing.runs.runs


def test_a_record_that_is_delivered_again_is_captured_once_and_published_once(capturing: World) -> None:
    run = the_run(capturing)
    assert captured(capturing, a_record()) == [CaptureResult.AGAIN]
    assert list(capturing.runs.runs) == [run.id]
    assert len(capturing.bus.published) == 1
    assert captured(capturing, a_record({"requestId": "another"})) == [CaptureResult.CAPTURED]
    assert len(capturing.runs.runs) == 2


def test_a_fault_of_aws_is_raised_so_that_the_record_comes_again(capturing: World) -> None:
    capturing.cipher.cannot_seal = True
    with pytest.raises(Unavailable):
        captured(capturing, a_record())
    assert not capturing.runs.runs
    capturing.cipher.cannot_seal = False
    assert the_run(capturing).status is Status.FAILURE


def test_a_captured_failure_is_published_like_any_other(capturing: World) -> None:
    run = the_run(capturing)
    assert [each.id for each in capturing.bus.published] == [run.id]
    assert (run.event_pending, run.deadline) == (False, None)


def test_a_bus_that_is_down_hears_of_it_from_the_watchdog(capturing: World, time: FakeClock) -> None:
    capturing.bus.fails = True
    run = the_run(capturing)
    assert run.event_pending
    assert run.deadline == NOW + timedelta(seconds=60)
    capturing.bus.fails = False
    time.advance(seconds=61)
    a_pass(capturing)
    assert [each.id for each in capturing.bus.published] == [run.id]
    assert not capturing.run(run.id).event_pending


def test_a_version_that_stays_is_pinned_and_its_hash_is_not_known(capturing: World) -> None:
    run = the_run(capturing, a_record({"functionArn": f"{FUNCTION_ARN}:live"}, {"executedVersion": "7"}))
    assert run.pin == Pin(function_version_arn=PINNED, function_version="7")
    assert not run.pin.is_complete
    assert run.reported_version is None
    shown = as_shown(run)
    assert (shown["functionVersionArn"], shown["functionVersion"], shown["functionCodeHash"]) == (PINNED, "7", None)


def test_latest_is_reported_and_not_pinned(capturing: World) -> None:
    run = the_run(capturing)
    assert (run.pin, run.reported_version) == (None, "$LATEST")
    shown = as_shown(run)
    assert (shown["functionVersionArn"], shown["functionVersion"], shown["functionCodeHash"]) == (None, "$LATEST", None)


@pytest.mark.parametrize("version", ["", "live", "\u0667", "7 ", "-7", "7.0"])
def test_a_version_that_is_none_is_not_pinned(capturing: World, version: str) -> None:
    run = the_run(capturing, a_record(None, {"executedVersion": version}))
    assert (run.pin, as_shown(run)["functionVersion"]) == (None, None)


@pytest.mark.parametrize(
    ("payload", "status", "code"),
    [
        (
            {"errorMessage": "2026-11-22T09:30:00Z 1-2 Task timed out after 3.00 seconds"},
            Status.TIMEOUT,
            "Sandbox.Timedout",
        ),
        (
            {
                "errorType": "Sandbox.Timedout",
                "errorMessage": "RequestId: 1-2 Error: Task timed out after 3.00 seconds",
            },
            Status.TIMEOUT,
            "Sandbox.Timedout",
        ),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "x"}, Status.FAILURE, "Sandbox.Timedout"),
        (
            {"errorMessage": "2026-11-22T09:30:00Z 1-2 Task timed out after 3.00 seconds", "stackTrace": []},
            Status.FAILURE,
            "UnknownError",
        ),
        ({"errorMessage": "the order: Task timed out after 3.00 seconds"}, Status.FAILURE, "UnknownError"),
        ({"errorType": "Mine", "errorMessage": "Task timed out after 3.00 seconds"}, Status.FAILURE, "Mine"),
        ({"errorType": "Runtime.ExitError", "errorMessage": "x"}, Status.FAILURE, "Runtime.ExitError"),
        ({"errorType": "a secret: hush"}, Status.FAILURE, "a?secret:?hush"),
        ({"errorType": "x" * 10_000}, Status.FAILURE, "x" * 128),
        ({"errorType": 7}, Status.FAILURE, "UnknownError"),
        ("just text", Status.FAILURE, "UnknownError"),
        ([], Status.FAILURE, "UnknownError"),
        (False, Status.FAILURE, "UnknownError"),
    ],
)
def test_why_it_failed_is_read_from_what_the_function_answered(
    capturing: World, payload: Any, status: Status, code: str
) -> None:
    run = the_run(capturing, a_record(responsePayload=payload))
    assert (run.status, run.error_code, run.error_source) == (status, code, ErrorSource.FUNCTION)


def test_an_invocation_that_was_given_up_unanswered_has_its_condition_for_a_reason(capturing: World) -> None:
    record = a_record({"condition": "EventAgeExceeded", "approximateInvokeCount": 0})
    del record["responseContext"], record["responsePayload"]
    run = the_run(capturing, record)
    assert (run.status, run.error_code, run.error_source, run.pin, run.reported_version) == (
        Status.FAILURE,
        "EventAgeExceeded",
        ErrorSource.SERVICE,
        None,
        None,
    )
    assert b"gave the invocation up" in (capturing.opened(run, Content.ERROR) or b"")
    assert capturing.opened(run, Content.PARAMETERS) == b'{"order":1.0}'


def test_an_error_that_is_too_large_keeps_its_beginning(capturing: World) -> None:
    run = the_run(capturing, a_record(responsePayload=ERROR | {"stackTrace": ["x" * 400_000]}))
    error = capturing.opened(run, Content.ERROR) or b""
    assert "no such order" in json.loads(error)
    assert len(error) < 20_000


@pytest.mark.parametrize("payload", [None, 7, "text", [1], {}])
def test_any_json_is_a_payload(capturing: World, payload: Any) -> None:
    run = the_run(capturing, a_record(requestPayload=payload))
    assert json.loads(capturing.opened(run, Content.PARAMETERS) or b"?") == payload


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ({}, "requestContext"),
        ({"detail": {}}, "requestContext"),
        ({"requestContext": {}, "requestPayload": 1}, "requestContext.requestId"),
        (a_record({"functionArn": None}), "requestContext.functionArn"),
        (a_record({"requestId": 7}), "requestContext.requestId"),
        (a_record({"requestId": "x" * 257}), "requestContext.requestId"),
        (a_record({"requestId": "two words"}), "requestContext.requestId"),
        (a_record({"requestId": "line\n"}), "requestContext.requestId"),
        (a_record({"condition": ["hush"]}), "requestContext.condition"),
    ],
)
def test_what_is_no_record_is_refused_by_the_field(record: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        read(record)
    assert refused.value.field == field
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


def rerun_of_pinned(world: World) -> FunctionRun:
    run = the_run(world, a_record(None, {"executedVersion": "7"}))
    again = rerun(request(run.id), world)
    assert again.pin == run.pin
    return again


def test_a_rerun_executes_the_version_that_failed_and_learns_its_hash(capturing: World) -> None:
    capturing.code.now = {FUNCTION_ARN: a_pin(9), PINNED: a_pin(7)}
    again = rerun_of_pinned(capturing)
    execute(again.id, capturing.execution_deps)
    (invocation,) = capturing.invoker.invocations
    assert (invocation.pin, invocation.parameters) == (a_pin(7), b'{"order":1.0}')
    finished = capturing.run(again.id)
    assert (finished.status, finished.pin) == (Status.COMPLETED, a_pin(7))
    assert as_shown(finished)["functionCodeHash"] == "hash-of-7"
    assert capturing.code.request == [(PINNED, False)]


def test_a_rerun_on_the_latest_code_is_not_held_to_the_version_that_failed(capturing: World) -> None:
    capturing.code.now = {FUNCTION_ARN: a_pin(9)}
    run = the_run(capturing, a_record(None, {"executedVersion": "7"}))
    again = rerun(request(run.id, useLatestCode=True), capturing)
    execute(again.id, capturing.execution_deps)
    assert [each.pin for each in capturing.invoker.invocations] == [a_pin(9)]


@pytest.mark.parametrize("gone", ["before it is claimed", "when it is invoked"])
def test_a_rerun_of_a_version_that_is_gone_fails_and_says_so(capturing: World, gone: str) -> None:
    fault = PermanentFailure(VERSION_NOT_FOUND, f"{PINNED} is gone.")
    capturing.code.now = {FUNCTION_ARN: a_pin(9), PINNED: fault if gone == "before it is claimed" else a_pin(7)}
    capturing.invoker = FakeInvoker(fault)
    again = rerun_of_pinned(capturing)
    execute(again.id, capturing.execution_deps)
    finished = capturing.run(again.id)
    assert (finished.status, finished.error_code) == (Status.FAILURE, "FunctionVersionNotFound")
    assert as_shown(finished)["functionVersion"] == "7"
    assert not capturing.code.forgotten


def test_a_captured_run_is_found_by_the_request_that_failed(capturing: World) -> None:
    run = the_run(capturing)
    capturing.runs.runs.clear()
    assert the_run(capturing).id == run.id
    assert REQUEST_ID not in run.id
