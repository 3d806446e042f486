"""What can come of an invocation."""

import json
import re
from typing import NamedTuple

from handlers.domain.json_document import MAX_BYTES, MAX_INLINE_BYTES
from handlers.domain.json_text import JsonText, NotJson
from handlers.domain.runs.run import Content, ErrorSource, Status

TIMED_OUT = "Sandbox.Timedout"
_SAYS_TIMED_OUT = re.compile(r"Task timed out after \d+(\.\d+)? seconds$")
# Lambda's whole sentence, of either age: nothing comes before it but the moment and the request, or the request alone.
_TIMED_OUT = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+Z \S+|RequestId: \S+ Error:) Task timed out after \d+\.\d\d seconds")
# A runtime adds these to an error that was raised in it; a sandbox that was stopped cannot.
_TRACES = {"stackTrace", "trace"}
MAX_ERROR_NAME = 128
# An error type is a function's to choose and stands in clear: in items, events and logs it is a name and nothing else.
# Names have what the runtimes' own have: `Function<NameError>` in Ruby, `*errors.errorString` in Go,
# `System.AggregateException`1` and `Outer+Inner` in .NET, `com.acme.Card$Declined` in Java, `&alloc::string::String` in
# Rust, `App\Declined` in PHP, `Err[int]` in Go again.
_NO_NAME = re.compile(r"[^A-Za-z0-9_.:;,$<>()\[\]{}*&+`'/\\@!#-]")

VERSION_NOT_FOUND = "FunctionVersionNotFound"
ACCESS_DENIED = "FunctionAccessDenied"
TIMEOUT_TOO_LONG = "FunctionTimeoutTooLong"
PARAMETERS_UNREADABLE = "ParametersUnreadable"
STATE_FAILED = "FunctionStateFailed"
PARAMETERS_OMITTED = "ParametersOmitted"
PLAN_OUTDATED = "PlanOutdated"
RUN_EXPIRED = "RunExpired"
CONTENT_ERASED = "ContentErased"
# What the same input and the same code meet again, however often.
_REFUSED_INPUT = {
    "InvalidRequestContentException",
    "RequestTooLargeException",
    "SerializedRequestEntityTooLargeException",
    "UnsupportedMediaTypeException",
}
# What Lambda has stopped because it went round in a circle.
_LOOP = "RecursiveInvocationException"
# That, what was wanted on the code of a plan and on no other, what has waited for as long as runs are kept, and is not
# to wait for as long again, and what is left of a run whose parameters are gone.
BEYOND_RETRY = frozenset(
    {
        *(VERSION_NOT_FOUND, ACCESS_DENIED, TIMEOUT_TOO_LONG, PARAMETERS_UNREADABLE, PARAMETERS_OMITTED, RUN_EXPIRED),
        *(PLAN_OUTDATED, CONTENT_ERASED, _LOOP),
        *_REFUSED_INPUT,
    }
)


def error_name(text: str) -> str:
    """What may stand in clear of an error's type: the form in which names are kept, shown and compared."""
    return _NO_NAME.sub("?", text)[:MAX_ERROR_NAME]


class Postponed(Exception):
    """The run has to wait for a later attempt. `code` says why, in AWS's words, for people who wait with it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class RetryLater(Postponed):
    """The function cannot be invoked now (throttled, being updated, AWS unwell): it was not executed."""


class NotReady(RetryLater):
    """The version is not ready to be executed. Its state says whether it will be without anybody's doing."""


class CodeGone(RetryLater):
    """The current code, as it was remembered, is gone: there must be newer code to look for."""


class OutcomeUnknown(Postponed):
    """Whether the function was executed is not known: the connection broke, or AWS answered with a fault."""


class PermanentFailure(Exception):
    """There is no code to run, for good: deleted, forbidden, too slow."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _strings_of(payload: bytes) -> dict[str, str | None]:
    """What the members of an error document say that are strings, however deep the others; nothing of junk."""
    try:
        return JsonText.read(payload).strings()
    except NotJson:
        return {}


class Outcome(NamedTuple):
    """What came of an invocation. Content is bytes, not yet sealed."""

    status: Status
    error_code: str | None = None
    result: bytes | None = None
    logs: bytes | None = None
    error: bytes | None = None
    error_source: ErrorSource | None = None
    result_lost: bool = False
    """The function has answered, and its result did not come to its end."""

    @classmethod
    def of_error(cls, code: str, message: str) -> "Outcome":
        error = json.dumps({"errorType": code, "errorMessage": message}).encode()
        return cls(Status.FAILURE, code, error=error, error_source=ErrorSource.SERVICE)

    @classmethod
    def of_failed_invocation(
        cls, payload: bytes, logs: bytes | None = None, *, used_up_its_time: bool | None = None
    ) -> "Outcome":
        """Of what Lambda answers for a function that failed. The message in it is content and stays sealed.

        `used_up_its_time` is whether the function was seen to be at work for as long as its timeout; None if nobody
        looked, as for an invocation that is known by its record only.
        """
        error = _strings_of(payload)
        error_type, message = error.get("errorType"), error.get("errorMessage")
        # Lambda names a timeout by its type, or by the sentence alone; an error of the function's own has a type too.
        says_so = error_type == TIMED_OUT or (error_type is None and _SAYS_TIMED_OUT.search(str(message)))
        # A function can say all of that. But it cannot use up its time and then still answer, with a trace as it must.
        is_proven = bool(_TIMED_OUT.fullmatch(str(message))) if used_up_its_time is None else used_up_its_time
        if says_so and is_proven and not _TRACES & error.keys():
            return cls(Status.TIMEOUT, TIMED_OUT, logs=logs, error=payload, error_source=ErrorSource.FUNCTION)
        code = error_name(error_type or "")
        return cls(Status.FAILURE, code or "UnknownError", logs=logs, error=payload, error_source=ErrorSource.FUNCTION)

    def contents(self) -> dict[Content, bytes]:
        """What is kept of its content. A result that is too large is left out: it is worth less than the run's end."""
        contents = {Content.RESULT: self.result, Content.LOGS: self.logs, Content.ERROR: _shortened(self.error)}
        return {name: each for name, each in contents.items() if each is not None and len(each) <= MAX_BYTES}


def _shortened(error: bytes | None) -> bytes | None:
    """An error that is too large to keep keeps its beginning, as a JSON string."""
    if error is None or len(error) <= MAX_INLINE_BYTES:
        return error
    return json.dumps(error[:10_000].decode(errors="replace") + " …").encode()


def pack(contents: dict[Content, bytes]) -> bytes:
    """One text of all of them: a line that says how long each is, then one after the other."""
    return b"\n".join(
        [json.dumps({name: len(each) for name, each in contents.items()}).encode(), b"".join(contents.values())]
    )


def unpack(packed: bytes) -> dict[Content, bytes]:
    """Raises ValueError for what was not packed so."""
    head, _, rest = packed.partition(b"\n")
    contents: dict[Content, bytes] = {}
    for name, size in json.loads(head).items():
        contents[Content(name)], rest = rest[:size], rest[size:]
    return contents
