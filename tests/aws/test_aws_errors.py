"""Which of AWS's errors pass, and which somebody has to mend: by its documented codes, service by service."""

from typing import Any

import botocore.session
import pytest
from botocore import exceptions as botocore_errors
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from handlers.aws import aws_errors
from handlers.aws.aws_errors import translated
from handlers.domain.errors import InvalidRequest, Misconfigured, Unavailable

Faults = list[Exception]


@pytest.fixture
def observed(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """What the observers get."""
    observed: Faults = []
    monkeypatch.setattr(aws_errors, "_observers", [observed.append])
    return observed


def raised(error: Exception) -> Unavailable:
    with pytest.raises(Unavailable) as fault, translated():
        raise error
    assert fault.value.__cause__ is error
    return fault.value


def client_error(code: str, status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "hush"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "SomeOperation")


PASSING = [
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
    *("ProvisionedThroughputExceededException", "ThrottlingException", "RequestLimitExceeded"),
    *("TransactionConflictException", "TransactionInProgressException", "LimitExceededException"),
    # SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
    *("RequestThrottled", "OverLimit", "KmsThrottled"),
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html
    *("DependencyTimeoutException", "KeyUnavailableException", "KMSInternalException"),
    # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html, https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
    *("ConcurrentModificationException", "ConflictException"),
    # https://docs.aws.amazon.com/lambda/latest/api/API_PublishVersion.html
    *("TooManyRequestsException", "ResourceConflictException"),
    # https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    *("SlowDown", "RequestTimeout", "OperationAborted"),
    # botocore's name for an answer of that status with nothing in it that it understands (botocore.parsers)
    "429",
    # a clock that is off, credentials that the next container has anew
    *("RequestExpired", "RequestTimeTooSkewed", "ExpiredToken", "ExpiredTokenException", "SignatureDoesNotMatch"),
]
PERMANENT = {
    "DynamoDB, a grant": ("AccessDeniedException", 400),
    "DynamoDB, the table": ("ResourceNotFoundException", 400),
    "DynamoDB, a request of ours": ("ValidationException", 400),
    "DynamoDB, a transaction that cannot be": ("TransactionCanceledException", 400),
    "SQS, a grant": ("AccessDenied", 403),
    "SQS, the queue": ("AWS.SimpleQueueService.NonExistentQueue", 400),
    "SQS, by its newer name": ("QueueDoesNotExist", 400),
    "SQS, the queue's key": ("KmsDisabled", 400),
    "KMS, a grant": ("AccessDeniedException", 400),
    "KMS, the key": ("NotFoundException", 400),
    "KMS, a key that is disabled": ("DisabledException", 400),
    "KMS, a key that is to be deleted": ("KMSInvalidStateException", 400),
    "EventBridge, the bus": ("ResourceNotFoundException", 400),
    "Scheduler, the group": ("ResourceNotFoundException", 404),
    "Scheduler, a grant": ("AccessDeniedException", 403),
    "Lambda, a grant": ("AccessDeniedException", 403),
    "S3, the bucket": ("NoSuchBucket", 404),
    "S3, a grant": ("AccessDenied", 403),
    "a role that was deleted": ("UnrecognizedClientException", 403),
    "a key that is unknown": ("InvalidClientTokenId", 403),
    "something new": ("SomethingNewException", 400),
    "nothing that says what": ("", 400),
}


@pytest.mark.parametrize("code", PASSING)
def test_what_passes_is_worth_another_try_and_nobody_is_woken(code: str, observed: Faults) -> None:
    assert type(raised(client_error(code))) is Unavailable
    assert observed == []


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_fault_of_aws_passes_whatever_it_is_called(status: int, observed: Faults) -> None:
    assert type(raised(client_error("SomethingNewException", status))) is Unavailable
    assert observed == []


@pytest.mark.parametrize(("code", "status"), PERMANENT.values(), ids=PERMANENT)
def test_what_has_to_be_mended_is_reported_each_time_and_those_who_wait_go_on(
    code: str, status: int, observed: Faults
) -> None:
    error = client_error(code, status)
    assert isinstance(raised(error), Misconfigured)
    raised(error)
    assert observed == [error, error]


def test_what_is_the_caller_s_to_mend_is_no_fault(observed: Faults) -> None:
    refusal = InvalidRequest("field", "is wrong.")
    with pytest.raises(InvalidRequest), translated({"ValidationException": refusal}):
        raise client_error("ValidationException")
    assert observed == []


@pytest.mark.parametrize(
    "error",
    [
        botocore_errors.EndpointConnectionError(endpoint_url="https://aws"),
        botocore_errors.ConnectTimeoutError(endpoint_url="https://aws"),
        botocore_errors.ReadTimeoutError(endpoint_url="https://aws"),
        botocore_errors.ConnectionClosedError(endpoint_url="https://aws"),
        botocore_errors.ProxyConnectionError(proxy_url="http://proxy"),
        botocore_errors.ResponseStreamingError(error="reset"),
        botocore_errors.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        botocore_errors.SSLError(endpoint_url="https://aws", error=OSError("x")),
        ResponseParserError("Unable to parse response (no element found), invalid XML received: hush"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_broken_connection_or_answer_passes(error: BotoCoreError | ResponseParserError, observed: Faults) -> None:
    assert type(raised(error)) is Unavailable
    assert observed == []


@pytest.mark.parametrize(
    "error",
    [
        botocore_errors.ParamValidationError(report="QueueUrl: hush"),
        botocore_errors.NoCredentialsError(),
        botocore_errors.NoRegionError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_request_that_cannot_even_be_made_has_to_be_mended(error: BotoCoreError, observed: Faults) -> None:
    assert isinstance(raised(error), Misconfigured)
    assert observed == [error]


OPERATIONS = {
    "dynamodb": ["GetItem", "BatchGetItem", "Query", "Scan", "UpdateItem", "DeleteItem", "TransactWriteItems"],
    "sqs": ["SendMessage", "ReceiveMessage", "DeleteMessage", "GetQueueAttributes"],
    "kms": ["Decrypt", "GenerateDataKey"],
    "events": ["PutRule", "PutTargets", "RemoveTargets", "DeleteRule", "TestEventPattern", "PutEvents"],
    "scheduler": ["CreateSchedule", "UpdateSchedule", "DeleteSchedule"],
    "lambda": ["GetFunctionConfiguration", "ListAliases", "ListVersionsByFunction", "DeleteFunction"],
    "s3": ["PutObject", "GetObject", "CopyObject", "DeleteObject", "HeadObject", "ListObjectsV2"],
}
# Of these services' models, what passes: everything else in them has to be mended, is handled where it arises, or 5xx.
PASSING_BY_MODEL = {
    "dynamodb": {
        *("ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"),
        *("TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException"),
    },
    "sqs": {"KmsThrottled", "OverLimit", "RequestThrottled"},
    "kms": {"DependencyTimeoutException", "KMSInternalException", "KeyUnavailableException"},
    "events": {"ConcurrentModificationException", "InternalException", "LimitExceededException"},
    "scheduler": {"ConflictException", "ThrottlingException"},
    "lambda": {"ResourceConflictException", "TooManyRequestsException"},
    "s3": set[str](),
}


@pytest.mark.parametrize("service", OPERATIONS)
def test_of_every_error_in_aws_s_own_models_it_is_known_whether_it_passes(service: str) -> None:
    """A release of botocore that adds an error to an operation of ours is noticed here if its code reads as passing."""
    model = botocore.session.get_session().get_service_model(service)
    modelled = {shape for name in OPERATIONS[service] for shape in model.operation_model(name).error_shapes}
    passing = {shape.name for shape in modelled if aws_errors.is_passing_code(_code(shape))}
    assert passing == PASSING_BY_MODEL[service]


def _code(shape: Any) -> str:
    return str(shape.error_code)
