"""AWS's error answers in their exact shapes, put in the place of the next answers of a real client."""

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from urllib3 import HTTPResponse


def answer(status: int, document: dict[str, Any], **headers: str) -> AWSResponse:
    body = json.dumps(document).encode()
    typed = HTTPHeaders.from_dict(
        {"Content-Type": "application/x-amz-json-1.0", "x-amzn-RequestId": "injected", **headers}
    )
    return AWSResponse("http://injected", status, typed, HTTPResponse(io.BytesIO(body), preload_content=False))


def error(status: int, code: str, message: str = "injected", **more: Any) -> AWSResponse:
    headers = {"x-amzn-ErrorType": code}
    return answer(status, {"__type": code, "message": message, **more}, **headers)


def throttled() -> AWSResponse:
    return error(400, "ThrottlingException", "Rate exceeded")


def cancelled(*codes: str) -> AWSResponse:
    reasons = [{"Code": code, "Message": None if code == "None" else "injected"} for code in codes]
    listed = ", ".join(codes)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{listed}]"
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    return answer(400, {"__type": kind, "Message": message, "CancellationReasons": reasons})


class Calls(list[str]):
    """The operations that were called, in order, injected answers included."""


class LateEvents:
    """Handlers for clients that exist already, or that nobody can get at."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}

    def register(self, event: str, handler: Any) -> None:
        self._handlers[event] = handler

    def unregister(self, event: str, _: Any) -> None:
        del self._handlers[event]

    def before_send(self, **sent: Any) -> Any:
        handler = self._handlers.get(sent.pop("event_name"))
        return handler(**sent) if handler else None


@contextmanager
def injected(events: Any, operation: str, *answers: AWSResponse | Exception | None) -> Iterator[Calls]:
    """The next answers to `operation` ("dynamodb.TransactWriteItems"), None for a real one; real ones follow.

    `events` is a client's `meta.events` or a botocore session: whatever has `register`.
    """
    calls, left = Calls(), list(answers)

    def before_send(**_: Any) -> AWSResponse | None:
        calls.append(operation)
        instead = left.pop(0) if left else None
        if isinstance(instead, Exception):
            raise instead
        return instead

    events.register(f"before-send.{operation}", before_send)
    try:
        yield calls
    finally:
        events.unregister(f"before-send.{operation}", before_send)
