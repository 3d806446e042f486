"""Which of Lambda's answers mean what for a run. Error answers are AWS's, put in place of the emulator's."""

import base64
import io
import json
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.parsers import ResponseParserError
from urllib3 import HTTPResponse

from handlers.aws.function_invoker import FunctionInvoker
from handlers.domain.runs.outcome import Outcome, OutcomeUnknown, PermanentFailure, RetryLater
from handlers.domain.runs.run import ErrorSource, Pin, Status
from infra.local.local_stack import LocalStack
from tests.builders import a_run
from tests.faults.answers import answer, error
from tests.faults.client import injected

INVOKE = "lambda.Invoke"


@pytest.fixture
def client(local_stack: LocalStack) -> Any:
    return local_stack.client("lambda")


@pytest.fixture
def pin(client: Any, local_stack: LocalStack) -> Pin:
    version = client.publish_version(FunctionName=local_stack.samples["EchoFunctionArn"])
    return Pin(
        function_version_arn=version["FunctionArn"],
        function_version=version["Version"],
        function_code_hash=version["CodeSha256"],
        timeout_seconds=10,
    )


def outcome_of(client: Any, pin: Pin, *answers: Any) -> Outcome:
    with injected(client.meta.events, INVOKE, *answers) as calls:
        outcome = FunctionInvoker(client).invoke(pin, b"{}", a_run(status="running"))
    assert len(calls) == 1
    return outcome


def failed(payload: Any, kind: str = "Unhandled") -> Any:
    log = base64.b64encode(b"the log").decode()
    return answer(200, payload, **{"X-Amz-Function-Error": kind, "X-Amz-Log-Result": log})


class Broken(io.BytesIO):
    """A body that cannot be read."""

    def __init__(self, fault: Exception) -> None:
        super().__init__(b"1")
        self._fault = fault

    def read(self, _: Any = None) -> bytes:
        raise self._fault


def answer_of_bytes(payload: bytes, *, fault: Any = None, **headers: str) -> Any:
    """Lambda's answer, as it comes over a connection that may break."""
    given = answer(200, {}, **headers)
    body = Broken(fault) if fault else io.BytesIO(payload)
    given.raw = HTTPResponse(body, headers=headers, preload_content=False, request_method="POST")
    return given


def test_a_result_is_kept_as_the_bytes_that_lambda_answered(client: Any, pin: Pin) -> None:
    outcome = FunctionInvoker(client).invoke(pin, '{"ü": 1.0}'.encode(), a_run(status="running"))
    assert outcome.status is Status.COMPLETED
    assert json.loads(outcome.result or b"")["event"] == {"ü": 1.0}
    assert json.loads(outcome.result or b"")["version"] == pin.function_version


def test_an_error_of_the_functions_own_is_a_failure_by_its_type(client: Any, pin: Pin) -> None:
    outcome = outcome_of(client, pin, failed({"errorType": "CardDeclined", "errorMessage": "no", "stackTrace": []}))
    assert (outcome.status, outcome.error_code) == (Status.FAILURE, "CardDeclined")
    assert outcome.logs == b"the log"
    assert json.loads(outcome.error or b"")["errorMessage"] == "no"


class Elapsing:
    """A clock by which each invocation takes so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._moments = iter([1000.0, 1000.0 + seconds])

    def __call__(self) -> float:
        return next(self._moments)


def outcome_after(seconds: float, client: Any, pin: Pin, payload: Any) -> Outcome:
    invoker = FunctionInvoker(client, now=Elapsing(seconds))
    with injected(client.meta.events, INVOKE, failed(payload)):
        return invoker.invoke(pin, b"{}", a_run(status="running"))


BY_TYPE = {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 1 Error: Task timed out after 10.00 seconds"}
BY_SENTENCE = {"errorMessage": "2026-11-22T09:30:00.000Z 5f8c Task timed out after 10.00 seconds"}


@pytest.mark.parametrize("payload", [BY_TYPE, BY_SENTENCE], ids=["by type", "by sentence"])
@pytest.mark.parametrize(
    ("seconds", "status"), [(10.4, Status.TIMEOUT), (9.95, Status.TIMEOUT), (9.8, Status.FAILURE), (0, Status.FAILURE)]
)
def test_a_timeout_is_what_lambda_calls_one_after_the_version_s_own_timeout_has_passed(
    client: Any, pin: Pin, payload: Any, seconds: float, status: Status
) -> None:
    outcome = outcome_after(seconds, client, pin, payload)
    assert (outcome.status, outcome.error_source) == (status, ErrorSource.FUNCTION)


@pytest.mark.parametrize(
    "said",
    [
        {"errorType": "DownstreamError", "errorMessage": "Task timed out after 3.00 seconds"},
        {"errorType": "Sandbox.Timedout", "errorMessage": "mine", "stackTrace": []},
        BY_TYPE | {"trace": ["Sandbox.Timedout: RequestId: 1"]},
        BY_SENTENCE | {"stackTrace": []},
    ],
)
@pytest.mark.parametrize("seconds", [0, 60])
def test_a_function_that_says_it_timed_out_itself_is_a_failure_however_long_it_took(
    client: Any, pin: Pin, said: Any, seconds: float
) -> None:
    outcome = outcome_after(seconds, client, pin, said)
    assert (outcome.status, outcome.error_source) == (Status.FAILURE, ErrorSource.FUNCTION)


@pytest.mark.parametrize("payload", [[], "text", {}, {"errorType": 5}, {"errorType": ""}])
def test_an_error_without_a_type_has_a_code_all_the_same(client: Any, pin: Pin, payload: Any) -> None:
    assert outcome_of(client, pin, failed(payload)).error_code == "UnknownError"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (429, "TooManyRequestsException"),
        (409, "ResourceConflictException"),
        (502, "ResourceNotReadyException"),
        (502, "EC2ThrottledException"),
        (409, "SnapStartNotReadyException"),
        (408, "SnapStartTimeoutException"),
        (502, "ENINotReadyException"),
    ],
)
def test_what_lambda_did_not_execute_is_a_reason_for_a_later_attempt(
    client: Any, pin: Pin, status: int, code: str
) -> None:
    with pytest.raises(RetryLater) as reason:
        outcome_of(client, pin, error(status, code))
    assert reason.value.code == code


@pytest.mark.parametrize("code", ["KMSDisabledException", "InvalidSubnetIDException", "InvalidRuntimeException"])
def test_what_somebody_has_to_mend_fails_at_once_although_lambda_calls_it_its_own_fault(
    client: Any, pin: Pin, code: str
) -> None:
    with pytest.raises(PermanentFailure) as reason:
        outcome_of(client, pin, error(502, code))
    assert reason.value.code == code


@pytest.mark.parametrize(
    "fault",
    [
        error(500, "ServiceException"),
        ReadTimeoutError(endpoint_url="https://lambda"),
        ConnectionClosedError(endpoint_url="https://lambda"),
    ],
    ids=["500", "read timeout", "closed"],
)
def test_after_a_fault_nobody_knows_whether_the_function_ran(client: Any, pin: Pin, fault: Any) -> None:
    with pytest.raises(OutcomeUnknown):
        outcome_of(client, pin, fault)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (404, "ResourceNotFoundException", "FunctionVersionNotFound"),
        (403, "AccessDeniedException", "FunctionAccessDenied"),
        (413, "RequestTooLargeException", "RequestTooLargeException"),
        (400, "KMSDisabledException", "KMSDisabledException"),
    ],
)
def test_a_lasting_refusal_says_so(client: Any, pin: Pin, status: int, code: str, expected: str) -> None:
    with pytest.raises(PermanentFailure) as reason:
        outcome_of(client, pin, error(status, code))
    assert reason.value.code == expected
    assert pin.function_version_arn in str(reason.value)


DEEP = b'{"errorType":"CardDeclined","stackTrace":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (DEEP, "CardDeclined"),
        (b'{"errorType":"CardDeclined","n":' + b"7" * 5000 + b"}", "CardDeclined"),
        (rb'{"errorType":"CardDeclined","errorMessage":"\ud83d","n":1e999}', "CardDeclined"),
        (b"[" * 100_000, "UnknownError"),
        (b'{"errorType":"Card', "UnknownError"),
        (b"\xff\xfe", "UnknownError"),
        ("{}".encode("utf-16"), "UnknownError"),
        (b"", "UnknownError"),
        (b"NaN", "UnknownError"),
    ],
    ids=lambda each: ascii(each)[:30],
)
def test_whatever_a_function_answers_is_an_outcome(client: Any, pin: Pin, payload: bytes, code: str) -> None:
    outcome = outcome_of(client, pin, answer_of_bytes(payload, **{"X-Amz-Function-Error": "Unhandled"}))
    assert (outcome.status, outcome.error_code, outcome.error) == (Status.FAILURE, code, payload)
    outcome = outcome_of(client, pin, answer_of_bytes(payload))
    assert (outcome.status, outcome.result, outcome.result_lost) == (Status.COMPLETED, payload, False)


@pytest.mark.parametrize("log", ["no base64!", "abc", "é", "", "===="])
def test_a_log_that_cannot_be_read_costs_no_outcome(client: Any, pin: Pin, log: str) -> None:
    outcome = outcome_of(client, pin, answer_of_bytes(b"1", **{"X-Amz-Log-Result": log}))
    assert (outcome.status, outcome.result) == (Status.COMPLETED, b"1")


@pytest.mark.parametrize(
    "broken",
    [
        {"Content-Length": "5"},
        {"fault": ReadTimeoutError(endpoint_url="https://lambda")},
        {"fault": ConnectionResetError()},
    ],
    ids=["cut short", "slow", "reset"],
)
def test_a_result_that_does_not_come_to_its_end_is_of_a_function_that_has_run(
    client: Any, pin: Pin, broken: dict[str, Any]
) -> None:
    outcome = outcome_of(client, pin, answer_of_bytes(b"1", **broken))
    assert (outcome.status, outcome.result, outcome.result_lost) == (Status.COMPLETED, None, True)
    outcome = outcome_of(client, pin, answer_of_bytes(b"1", **broken, **{"X-Amz-Function-Error": "Unhandled"}))
    assert (outcome.status, outcome.error_code) == (Status.FAILURE, "UnknownError")


def of_status(status: int, body: bytes) -> Any:
    """An answer of whatever stands between Lambda and us, in words of its own."""
    given = answer(status, {})
    given.raw = HTTPResponse(io.BytesIO(body), preload_content=False, request_method="POST")
    return given


@pytest.mark.parametrize(
    "unreadable",
    [
        ResponseParserError("no status"),
        *(of_status(502, body) for body in (b"[]", b"null", b"7", b"\xff", b'{"code":[1]}', b"[" * 100_000)),
    ],
    ids=lambda each: ascii(each if isinstance(each, Exception) else each.content[:12]),
)
def test_an_answer_that_botocore_cannot_read_leaves_it_open_whether_the_function_ran(
    client: Any, pin: Pin, unreadable: Any
) -> None:
    with pytest.raises(OutcomeUnknown):
        outcome_of(client, pin, unreadable)


@pytest.mark.parametrize("body", [b"", b"<html>Too Many Requests</html>", b"{}"])
def test_a_throttle_that_does_not_name_itself_is_waited_for_like_any(client: Any, pin: Pin, body: bytes) -> None:
    with pytest.raises(RetryLater):
        outcome_of(client, pin, of_status(429, body))


@pytest.mark.parametrize(
    ("error_type", "code"),
    [
        ("CardDeclined", "CardDeclined"),
        ("com.acme.Card$Declined", "com.acme.Card$Declined"),
        ("Function<Net::ReadTimeout>", "Function<Net::ReadTimeout>"),
        ("*errors.errorString", "*errors.errorString"),
        ("Rejected[int]", "Rejected[int]"),
        ("System.AggregateException`1", "System.AggregateException`1"),
        ("Acme.Orders+Declined", "Acme.Orders+Declined"),
        ("App\\Declined", "App\\Declined"),
        ("&alloc::string::String", "&alloc::string::String"),
        ("A\x07\nB\x1b[31m", "A??B?[31m"),
        ('the card "4111" is not valid', "the?card??4111??is?not?valid"),
        ("half\ud800", "half?"),
        ("x" * 500, "x" * 128),
    ],
)
def test_an_error_code_is_a_name_and_nothing_else(client: Any, pin: Pin, error_type: str, code: str) -> None:
    assert outcome_of(client, pin, failed({"errorType": error_type, "errorMessage": "no"})).error_code == code
