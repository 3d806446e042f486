import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest, Unavailable
from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.registry.registered import CaptureFailures
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import VERSION_NOT_FOUND, Unusable
from handlers.domain.runs.run import ErrorSource, ExecutionSource, FunctionRun, Part, Pin, Status
from handlers.domain.starting.captures import Captured, CapturingFunction, Registration
from handlers.domain.starting.rerun import rerun
from tests.builders import FUNCTION_ARN, FUNCTION_ID, NOW, TRIGGER_ID, WORKSPACE, a_function, a_pin, a_trigger, an_id
from tests.domain.starting.capturing import ERROR, REQUEST_ID, a_record, captured, has_capturing, read, the_run
from tests.domain.starting.rerunning import asked
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World
from tests.fakes.services import FakeInvoker

PINNED = f"{FUNCTION_ARN}:7"
ANY_FUNCTION = InvokablePatterns({"*": ["*"]}, own_functions="none")


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
    assert capturing.opened(run, Part.PARAMETERS) == b'{"order":1.0}'
    assert json.loads(capturing.opened(run, Part.ERROR) or b"") == ERROR
    assert not capturing.queue.pushed, "it is not to be executed"


def test_what_went_wrong_is_sealed(capturing: World) -> None:
    the_run(capturing)
    assert "hush" not in str(capturing.runs.runs) + str(capturing.runs.parts) + str(capturing.bus.announced)


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


@pytest.mark.parametrize(
    "function_arn",
    [f"{FUNCTION_ARN}-2", FUNCTION_ARN[:-1], FUNCTION_ARN.replace("1", "2"), "", "x", "x" * 9999, "\ud800"],
)
def test_of_a_function_that_is_not_registered_nothing_is_kept(capturing: World, function_arn: str) -> None:
    assert captured(capturing, a_record({"functionArn": function_arn})) == [Captured.NOT_REGISTERED]
    assert (capturing.runs.runs, capturing.runs.parts, capturing.bus.announced) == ({}, {}, [])


def test_of_a_function_that_is_registered_but_not_so_nothing_is_kept(world: World) -> None:
    world.has_registered()
    assert captured(world, a_record()) == [Captured.NOT_REGISTERED]
    has_capturing(world)
    world.registry.triggers.clear()
    assert captured(world, a_record()) == [Captured.NOT_REGISTERED]
    assert not world.runs.runs


def test_each_workspace_that_has_registered_the_function_so_gets_a_run_of_its_own(capturing: World) -> None:
    theirs = a_function(
        id=an_id(2),
        workspace="globex",
        capture_failures=CaptureFailures(trigger_id=an_id(3)),
        function_arn=f"{FUNCTION_ARN}:live",
    )
    capturing.registry.functions[theirs.id] = theirs
    capturing.invokable = ANY_FUNCTION
    trigger = a_trigger(id=an_id(3), workspace="globex", function_id=theirs.id)
    capturing.registry.add_trigger(capturing.registry.triggers[TRIGGER_ID]._replace(trigger=trigger))
    assert captured(capturing, a_record()) == [Captured.CAPTURED] * 2
    runs = {run.workspace: run for run in capturing.runs.runs.values()}
    assert runs.keys() == {"acme", "globex"}
    assert {run.function_arn for run in runs.values()} == {FUNCTION_ARN, f"{FUNCTION_ARN}:live"}
    assert all(capturing.opened(run, Part.PARAMETERS) == b'{"order":1.0}' for run in runs.values())


@pytest.mark.parametrize(
    ("registered", "invoked", "belongs_to"),
    [
        ([":prod", ":dev"], ":dev", ":dev"),
        ([":prod", ":dev"], ":prod", ":prod"),
        (["", ":dev"], ":dev", ":dev"),
        (["", ":dev"], ":$LATEST", ""),
        (["", ":dev"], ":7", ""),
        ([":prod", ":dev"], ":$LATEST", ":prod"),
        (["", ""], "", ""),
    ],
)
def test_of_several_registrations_in_a_workspace_a_failure_belongs_to_one(
    world: World, registered: list[str], invoked: str, belongs_to: str
) -> None:
    world.has_registered(a_trigger())
    world.registry.functions = {
        an_id(number): a_function(
            id=an_id(number),
            function_arn=f"{FUNCTION_ARN}{qualifier}",
            capture_failures=CaptureFailures(trigger_id=TRIGGER_ID),
            created_at=NOW + timedelta(seconds=number),
        )
        for number, qualifier in enumerate(registered)
    }
    run = the_run(world, a_record({"functionArn": FUNCTION_ARN + invoked}))
    assert run.function_arn == f"{FUNCTION_ARN}{belongs_to}"
    assert run.function_id == an_id(registered.index(belongs_to)), "the oldest of equals"


@pytest.mark.parametrize("alias", ["", ":live"])
def test_whose_trigger_is_gone_leaves_the_failure_to_the_next(world: World, alias: str) -> None:
    world.has_registered(a_trigger())
    captures = CaptureFailures(trigger_id=TRIGGER_ID)
    gone = [
        a_function(id=an_id(number), capture_failures=CaptureFailures(trigger_id=an_id(99)), created_at=NOW)
        for number in range(60)
    ]
    left = a_function(id=an_id(60), function_arn=f"{FUNCTION_ARN}{alias}", capture_failures=captures, created_at=NOW)
    world.registry.functions = {each.id: each for each in [*gone, left]}
    assert the_run(world).function_id == left.id


@pytest.mark.parametrize("invoked", ["", ":live", ":7"])
def test_no_failure_is_captured_for_a_workspace_that_may_no_longer_invoke_the_function(
    capturing: World, invoked: str
) -> None:
    may_still = a_function(id=an_id(2), workspace="globex", capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    capturing.registry.functions[may_still.id] = may_still
    capturing.invokable = InvokablePatterns({"globex": [FUNCTION_ARN]}, own_functions="none")
    record = a_record({"functionArn": FUNCTION_ARN + invoked})
    assert captured(capturing, record) == [Captured.NOT_PERMITTED, Captured.CAPTURED]
    assert [run.function_id for run in capturing.runs.runs.values()] == [may_still.id]
    capturing.invokable = InvokablePatterns({}, own_functions="none")
    assert captured(capturing, record) == [Captured.NOT_PERMITTED] * 2


def test_what_fails_for_one_workspace_is_captured_for_the_others(
    capturing: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    capturing.invokable = ANY_FUNCTION
    theirs = a_function(id=an_id(2), workspace="globex", capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    capturing.registry.functions[theirs.id] = theirs
    read_capturing = capturing.registry.read_capturing

    def fails_for_acme(registrations: Sequence[Registration]) -> CapturingFunction | None:
        if registrations[0].workspace == "acme":
            raise Unavailable
        return read_capturing(registrations)

    monkeypatch.setattr(capturing.registry, "read_capturing", fails_for_acme)
    with pytest.raises(Unavailable):
        captured(capturing, a_record())
    assert [run.function_id for run in capturing.runs.runs.values()] == [theirs.id]
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert captured(capturing, a_record()) == [Captured.CAPTURED, Captured.AGAIN]


def test_a_record_of_a_success_is_passed_over(capturing: World) -> None:
    record = a_record({"condition": "Success"}, responsePayload={"ok": True})
    assert captured(capturing, record) == [Captured.NO_FAILURE]
    assert not capturing.runs.runs


def test_a_record_that_is_delivered_again_is_captured_once_and_announced_once(capturing: World) -> None:
    run = the_run(capturing)
    assert captured(capturing, a_record()) == [Captured.AGAIN]
    assert list(capturing.runs.runs) == [run.id]
    assert len(capturing.bus.announced) == 1
    assert captured(capturing, a_record({"requestId": "another"})) == [Captured.CAPTURED]
    assert len(capturing.runs.runs) == 2


def test_one_of_two_workspaces_that_was_served_before_is_not_served_again(capturing: World) -> None:
    the_run(capturing)
    capturing.invokable = ANY_FUNCTION
    theirs = a_function(id=an_id(2), workspace="globex", capture_failures=CaptureFailures(trigger_id=TRIGGER_ID))
    capturing.registry.functions[theirs.id] = theirs
    assert captured(capturing, a_record()) == [Captured.AGAIN, Captured.CAPTURED]


def test_a_fault_of_aws_is_raised_so_that_the_record_comes_again(capturing: World) -> None:
    capturing.cipher.cannot_seal = True
    with pytest.raises(Unavailable):
        captured(capturing, a_record())
    assert not capturing.runs.runs
    capturing.cipher.cannot_seal = False
    assert the_run(capturing).status is Status.FAILURE


def test_a_captured_failure_is_announced_like_any_other(capturing: World) -> None:
    run = the_run(capturing)
    assert [each.id for each in capturing.bus.announced] == [run.id]
    assert (run.event_pending, run.deadline) == (False, None)


def test_a_bus_that_is_down_hears_of_it_from_the_watchdog(capturing: World, time: FakeClock) -> None:
    capturing.bus.fails = True
    run = the_run(capturing)
    assert run.event_pending
    assert run.deadline == NOW + timedelta(seconds=60)
    capturing.bus.fails = False
    time.advance(seconds=61)
    a_pass(capturing)
    assert [each.id for each in capturing.bus.announced] == [run.id]
    assert not capturing.run(run.id).event_pending


def test_a_version_that_stays_is_pinned_and_its_hash_is_not_known(capturing: World) -> None:
    run = the_run(capturing, a_record({"functionArn": f"{FUNCTION_ARN}:live"}, {"executedVersion": "7"}))
    assert run.pin == Pin(function_version_arn=PINNED, function_version="7")
    assert not run.pin.is_complete
    assert run.reported_version is None
    shown = run.document()
    assert (shown["functionVersionArn"], shown["functionVersion"], shown["functionCodeHash"]) == (PINNED, "7", None)


def test_latest_is_reported_and_not_pinned(capturing: World) -> None:
    run = the_run(capturing)
    assert (run.pin, run.reported_version) == (None, "$LATEST")
    shown = run.document()
    assert (shown["functionVersionArn"], shown["functionVersion"], shown["functionCodeHash"]) == (None, "$LATEST", None)


@pytest.mark.parametrize("version", ["", "live", "\u0667", "7 ", "-7", "7.0"])
def test_a_version_that_is_none_is_not_pinned(capturing: World, version: str) -> None:
    run = the_run(capturing, a_record(None, {"executedVersion": version}))
    assert (run.pin, run.document()["functionVersion"]) == (None, None)


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
    assert b"gave the invocation up" in (capturing.opened(run, Part.ERROR) or b"")
    assert capturing.opened(run, Part.PARAMETERS) == b'{"order":1.0}'


def test_an_error_that_is_too_large_keeps_its_beginning(capturing: World) -> None:
    run = the_run(capturing, a_record(responsePayload=ERROR | {"stackTrace": ["x" * 400_000]}))
    error = capturing.opened(run, Part.ERROR) or b""
    assert "no such order" in json.loads(error)
    assert len(error) < 20_000


@pytest.mark.parametrize("payload", [None, 7, "text", [1], {}])
def test_any_json_is_a_payload(capturing: World, payload: Any) -> None:
    run = the_run(capturing, a_record(requestPayload=payload))
    assert json.loads(capturing.opened(run, Part.PARAMETERS) or b"?") == payload


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
        ({key: value for key, value in a_record().items() if key != "requestPayload"}, "requestPayload"),
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
    again = rerun(asked(run.id), world.rerunner)
    assert again.pin == run.pin
    return again


def test_a_rerun_executes_the_version_that_failed_and_learns_its_hash(capturing: World) -> None:
    capturing.code.now = {FUNCTION_ARN: a_pin(9), PINNED: a_pin(7)}
    again = rerun_of_pinned(capturing)
    execute(again.id, capturing.executor)
    (invocation,) = capturing.invoker.invocations
    assert (invocation.pin, invocation.parameters) == (a_pin(7), b'{"order":1.0}')
    finished = capturing.run(again.id)
    assert (finished.status, finished.pin) == (Status.COMPLETED, a_pin(7))
    assert finished.document()["functionCodeHash"] == "hash-of-7"
    assert capturing.code.asked == [(PINNED, False)]


def test_a_rerun_on_the_latest_code_is_not_held_to_the_version_that_failed(capturing: World) -> None:
    capturing.code.now = {FUNCTION_ARN: a_pin(9)}
    run = the_run(capturing, a_record(None, {"executedVersion": "7"}))
    again = rerun(asked(run.id, useLatestCode=True), capturing.rerunner)
    execute(again.id, capturing.executor)
    assert [each.pin for each in capturing.invoker.invocations] == [a_pin(9)]


@pytest.mark.parametrize("gone", ["before it is claimed", "when it is invoked"])
def test_a_rerun_of_a_version_that_is_gone_fails_and_says_so(capturing: World, gone: str) -> None:
    fault = Unusable(VERSION_NOT_FOUND, f"{PINNED} is gone.")
    capturing.code.now = {FUNCTION_ARN: a_pin(9), PINNED: fault if gone == "before it is claimed" else a_pin(7)}
    capturing.invoker = FakeInvoker(fault)
    again = rerun_of_pinned(capturing)
    execute(again.id, capturing.executor)
    finished = capturing.run(again.id)
    assert (finished.status, finished.error_code) == (Status.FAILURE, "FunctionVersionNotFound")
    assert finished.document()["functionVersion"] == "7"
    assert not capturing.code.forgotten


def test_a_captured_run_is_found_by_the_request_that_failed(capturing: World) -> None:
    run = the_run(capturing)
    capturing.runs.runs.clear()
    assert the_run(capturing).id == run.id
    assert REQUEST_ID not in run.id
