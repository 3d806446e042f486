"""The one place where an AWS error becomes one of ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from handlers.domain.errors import Refused, Unavailable

THROTTLES = frozenset(
    {
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_SERVER_FAULT = 500


def code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def is_passing(response: Mapping[str, Any]) -> bool:
    """Whether an AWS error answer (`ClientError.response`) tells of a throttle or a fault of AWS."""
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return response.get("Error", {}).get("Code") in THROTTLES or status >= _SERVER_FAULT


@contextmanager
def translated(refusals: Mapping[str, Refused] | None = None) -> Iterator[None]:
    """AWS's refusals and broken connections become Unavailable, with the cause attached for the log.

    `refusals` has, by AWS's code, what is the caller's to mend.
    """
    try:
        yield
    except ClientError as error:
        refusal = (refusals or {}).get(code(error))
        raise refusal or Unavailable() from error
    except BotoCoreError as error:
        raise Unavailable from error
