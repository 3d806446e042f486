"""What can come of an invocation."""

import json
from typing import NamedTuple

from handlers.domain.run import Status

VERSION_NOT_FOUND = "FunctionVersionNotFound"


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


class Outcome(NamedTuple):
    """What came of an invocation. Content is bytes, not yet sealed."""

    status: Status
    error_code: str | None = None
    result: bytes | None = None
    logs: bytes | None = None
    error: bytes | None = None

    @classmethod
    def failure(cls, code: str, message: str) -> "Outcome":
        return cls(Status.FAILURE, code, error=json.dumps({"errorType": code, "errorMessage": message}).encode())
