"""What can come of an invocation."""

import json
import re
from typing import NamedTuple

from handlers.domain.json_text import JsonText, NotJson
from handlers.domain.runs.run import Status

_TIMED_OUT = re.compile(r"Task timed out after \d+(\.\d+)? seconds$")
MAX_ERROR_NAME = 128
ANY_ERROR_NAME = r"^[A-Za-z0-9_.:$?-]+$"
# An error type is a function's to choose and stands in clear: in items, events and logs it is a name and nothing else.
_NO_NAME = re.compile(r"[^A-Za-z0-9_.:$-]")

VERSION_NOT_FOUND = "FunctionVersionNotFound"
ACCESS_DENIED = "FunctionAccessDenied"
TIMEOUT_TOO_LONG = "FunctionTimeoutTooLong"
PARAMETERS_UNREADABLE = "ParametersUnreadable"
PARAMETERS_OMITTED = "ParametersOmitted"
RUN_EXPIRED = "RunExpired"
# What the same input and the same code meet again, however often.
_REFUSED_INPUT = {"RequestTooLargeException", "InvalidRequestContentException", "UnsupportedMediaTypeException"}
# That, and what has waited for as long as runs are kept: it is not to wait for as long again.
BEYOND_RETRY = frozenset(
    {
        *(VERSION_NOT_FOUND, ACCESS_DENIED, TIMEOUT_TOO_LONG, PARAMETERS_UNREADABLE, PARAMETERS_OMITTED, RUN_EXPIRED),
        *_REFUSED_INPUT,
    }
)


def error_name(text: str) -> str:
    """What may stand in clear of an error's type."""
    return _NO_NAME.sub("?", text)[:MAX_ERROR_NAME]


class Postponed(Exception):
    """The run has to wait for a later attempt. `code` says why, in AWS's words, for people who wait with it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class NotYet(Postponed):
    """The function cannot be invoked now (throttled, being updated, AWS unwell): it was not executed."""


class CodeGone(NotYet):
    """The current code, as it was remembered, is gone: there must be newer code to look for."""


class Uncertain(Postponed):
    """Whether the function was executed is not known: the connection broke, or AWS answered with a fault."""


class Unusable(Exception):
    """There is no code to run, for good: deleted, forbidden, too slow."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _strings_of(payload: bytes) -> dict[str, str | None]:
    """What the members of an error document say that are strings, however deep the others; nothing of junk."""
    try:
        return {name: member.as_string() for name, member in JsonText.read(payload).members().items()}
    except NotJson:
        return {}


class Outcome(NamedTuple):
    """What came of an invocation. Content is bytes, not yet sealed."""

    status: Status
    error_code: str | None = None
    result: bytes | None = None
    logs: bytes | None = None
    error: bytes | None = None
    result_lost: bool = False
    """The function has answered, and its result did not come to its end."""

    @classmethod
    def of_error(cls, code: str, message: str) -> "Outcome":
        return cls(Status.FAILURE, code, error=json.dumps({"errorType": code, "errorMessage": message}).encode())

    @classmethod
    def of_failed_invocation(cls, payload: bytes, logs: bytes | None = None) -> "Outcome":
        """Of what Lambda answers for a function that failed. The message in it is content and stays sealed."""
        told = _strings_of(payload)
        error_type, message = told.get("errorType"), told.get("errorMessage")
        # Lambda names a timeout by its type, or by the sentence alone; an error of the function's own has a type too.
        if error_type == "Sandbox.Timedout" or (error_type is None and _TIMED_OUT.search(str(message))):
            return cls(Status.TIMEOUT, "Sandbox.Timedout", logs=logs, error=payload)
        code = error_name(error_type or "")
        return cls(Status.FAILURE, code or "UnknownError", logs=logs, error=payload)
