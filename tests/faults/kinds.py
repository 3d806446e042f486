"""The kinds of fault, and what each AWS service answers when it throttles or breaks."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """In the order in which a campaign tries them: the last may have to be left out for want of time."""

    THROTTLED = "throttled"
    ANSWER_LOST = "answer lost"
    """The call took effect, and its answer never arrived."""
    SERVER_ERROR = "500"
    REQUEST_LOST = "request lost"
    """The request reached nobody, which its sender cannot know."""
    NO_CONNECTION = "no connection"
    """The request was never sent, and its sender knows. Injected at the client only."""
    SLOW = "slow"
    """Injected on the wire only."""


class AwsError(NamedTuple):
    code: str
    status: int


# Codes and statuses from each service's list of common errors; services by the names that they sign with.
THROTTLED = {
    "dynamodb": AwsError("ProvisionedThroughputExceededException", 400),
    "kms": AwsError("ThrottlingException", 400),
    "sqs": AwsError("RequestThrottled", 400),
    "lambda": AwsError("TooManyRequestsException", 429),
    "events": AwsError("ThrottlingException", 400),
    "scheduler": AwsError("ThrottlingException", 429),
    "s3": AwsError("SlowDown", 503),
    "states": AwsError("ThrottlingException", 400),
}
SERVER_ERROR = {
    "dynamodb": AwsError("InternalServerError", 500),
    "kms": AwsError("KMSInternalException", 500),
    "sqs": AwsError("InternalFailure", 500),
    "lambda": AwsError("ServiceException", 500),
    "events": AwsError("InternalException", 500),
    "scheduler": AwsError("InternalServerException", 500),
    "s3": AwsError("InternalError", 500),
    "states": AwsError("InternalServerError", 500),
}


class Died(BaseException):
    """The process has died here: nothing that follows is done, not even what an `except Exception` would do."""
