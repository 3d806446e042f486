"""What an HTTP answer says: a JSON document, or which error."""

import json
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx

from function_rerun.errors import InvalidAnswer, class_of

_LONGEST_SENTENCE = 1000


class HalfAnAnswer(Exception):
    """It ends too early, as if the connection had broken."""


class Received(NamedTuple):
    status: int
    reason: str
    headers: httpx.Headers
    content: bytes

    def __repr__(self) -> str:
        """Without content, which a traceback with variables would show."""
        return f"Received({self.status})"


def read_answer(received: Received, now: float) -> Any:
    """Its JSON object, None without a body. `now`: seconds since 1970.

    Raises ApiError, InvalidAnswer or HalfAnAnswer.
    """
    if HTTPStatus.OK <= received.status < HTTPStatus.MULTIPLE_CHOICES:
        return _document(received) if received.content else None
    raise _error(received, now)


def _document(received: Received) -> Any:
    is_json = received.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    flaw = False
    try:
        document = json.loads(received.content)
    except (ValueError, RecursionError):
        flaw = True
    # Raised here, an error carries nothing of the answer as its context.
    if flaw and is_json:
        raise HalfAnAnswer
    if flaw or not isinstance(document, dict):
        raise InvalidAnswer("What answered is not the API of Function Re-run: check the URL.")
    return document


def _error(received: Received, now: float) -> Exception:
    if received.status < HTTPStatus.BAD_REQUEST:
        return InvalidAnswer("The URL leads elsewhere (a redirect, which is not followed with a token): check it.")
    said = _said(received)
    code, message = said.get("code"), said.get("message")
    code = code if isinstance(code, str) else ""
    sentence = message[:_LONGEST_SENTENCE] if isinstance(message, str) and message else received.reason
    field, request_id = said.get("field"), said.get("requestId") or received.headers.get("apigw-requestid")
    return class_of(received.status, code)(
        sentence or f"The answer has the status {received.status}.",
        status=received.status,
        code=code,
        field=field if isinstance(field, str) else None,
        request_id=request_id if isinstance(request_id, str) else None,
        retry_after=_retry_after(received.headers.get("retry-after"), now),
        document=said,
    )


def _said(received: Received) -> dict[str, Any]:
    try:
        said = json.loads(received.content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds from now, of a header that says seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None
