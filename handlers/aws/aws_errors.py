"""The one place where an AWS error becomes one of ours: a refusal, a fault that passes, or one that has to be mended.

What passes: throttles, AWS's own faults (5xx), broken connections, and the few other codes that AWS documents as
passing. Everything else that AWS refuses, known or not, is ours and stays until somebody mends it: a grant that is
missing, a table, queue, bus or key that is gone or disabled, a request that is not valid. Callers that
retry do so after either kind; but each fault that stays is also reported to the observers, so that nobody waits for it
unnoticed.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from handlers.domain.errors import Misconfigured, Refused, Unavailable

# Those of botocore's retry modes (botocore.retries.standard), and SQS's and S3's own. "429" is what botocore calls an
# answer of that status whose body does not say more.
THROTTLES = frozenset(
    {
        "429",
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "KmsThrottled",
        "LimitExceededException",
        "OverLimit",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
# A clock that is off, or a request that was signed before the container was frozen and sent after it; credentials that
# the next container fetches again. The AWS SDKs read these as signs of a wrong clock and ask again:
# https://github.com/aws/aws-sdk-java-v2/blob/master/core/aws-core/src/main/java/software/amazon/awssdk/awscore/internal/AwsErrorCode.java
OUT_OF_TIME = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "RequestExpired",
        "RequestInTheFuture",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
    }
)
# "You can retry the request" or its like, in the API reference of each operation that answers so.
_RETRIABLE = frozenset(
    {
        # every service, S3 included
        *("RequestTimeout", "RequestTimeoutException", "OperationAborted", "ConditionalRequestConflict"),
        # DynamoDB
        *("TransactionConflictException", "TransactionInProgressException", "ReplicatedWriteConflictException"),
        # EventBridge; its entries that failed have codes without a status
        *("ConcurrentModificationException", "InternalException", "InternalFailure"),
        # EventBridge Scheduler, Lambda
        *("ConflictException", "ResourceConflictException"),
        # KMS
        *("DependencyTimeoutException", "KeyUnavailableException", "KMSInternalException"),
    }
)
_PASSING_CODES = THROTTLES | OUT_OF_TIME | _RETRIABLE
# What botocore itself raises. The last is no BotoCoreError: an answer that was cut off, or is not AWS's, a proxy's say;
# "Further retries may succeed", says its text (boto/botocore#1830).
OF_BOTOCORE = (BotoCoreError, ResponseParserError)
# The others tell of a request or a client that is not valid.
_PASSING_FAULTS = (
    ResponseParserError,
    *(exceptions.HTTPClientError, exceptions.ConnectionError, exceptions.IncompleteReadError),
    *(exceptions.ChecksumError, exceptions.FlexibleChecksumError, exceptions.CredentialRetrievalError),
)
_SERVER_FAULT = 500

_observers: list[Callable[[Exception], None]] = []


def observe(observer: Callable[[Exception], None]) -> None:
    """Call `observer` with every fault that does not pass, even where the caller retries."""
    _observers.append(observer)


def notify_observers(fault: Exception) -> None:
    for observer in _observers:
        observer(fault)


def code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(response: Mapping[str, Any]) -> bool:
    """Whether an AWS error answer (`ClientError.response`) is a throttle, a fault of AWS, or another that passes."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return is_passing_code(str(response.get("Error", {}).get("Code", ""))) or status >= _SERVER_FAULT


def is_passing_code(code: str) -> bool:
    """The same of an entry that failed in an answer of 200, which has a code and no status."""
    return code in _PASSING_CODES


class EntryRefused(Exception):
    """AWS answered 200, but did not accept one entry of the request; the code says why."""


@contextmanager
def translated(refusals: Mapping[str, Refused] | None = None) -> Iterator[None]:
    """AWS's refusals and broken connections become Unavailable or Misconfigured, with the cause attached for the log.

    `refusals` has, by AWS's code, what is the caller's to mend.
    """
    try:
        yield
    except ClientError as error:
        refusal = (refusals or {}).get(code(error))
        raise refusal or fault(error, passes=is_passing(error.response)) from error
    except OF_BOTOCORE as error:
        raise fault(error, passes=isinstance(error, _PASSING_FAULTS)) from error


def fault(error: Exception, *, passes: bool) -> Unavailable:
    """What to raise from the error: Unavailable, or Misconfigured once the observers are notified."""
    if passes:
        return Unavailable()
    notify_observers(error)
    return Misconfigured()
