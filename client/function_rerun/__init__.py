"""The typed client of Function Re-run's HTTP API.

    with function_rerun.Client(url, workspace="acme", auth=token) as client:
        started = client.rerun(run_id, reason="The address is corrected")
        run = client.wait(started["jobId"])

Answers are the API's own JSON objects, typed in `function_rerun.models`; `function_rerun.errors` is what can go wrong.
"""

from function_rerun.client import Client
from function_rerun.clock import Clock
from function_rerun.errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    FunctionRerunError,
    InsecureUrl,
    InvalidAnswer,
    InvalidToken,
    NotFound,
    OutcomeUnknown,
    Refused,
    ServiceFault,
    Stale,
    Throttled,
    TokenUnavailable,
    Unauthorized,
    Unavailable,
    WaitTimeout,
)

__all__ = [
    "ApiError",
    "Client",
    "Clock",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "FunctionRerunError",
    "InsecureUrl",
    "InvalidAnswer",
    "InvalidToken",
    "NotFound",
    "OutcomeUnknown",
    "Refused",
    "ServiceFault",
    "Stale",
    "Throttled",
    "TokenUnavailable",
    "Unauthorized",
    "Unavailable",
    "WaitTimeout",
]
