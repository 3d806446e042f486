"""What an HTTP answer says: a JSON document, or which error."""

import json
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx

from function_rerun.errors import InvalidAnswer, class_of

_LONGEST_SENTENCE = 1000
# What says more is not known to be right, and is more than a clock can sleep.
_LONGEST_RETRY_AFTER = 24 * 3600.0


class TruncatedResponse(Exception):
    """It ends too early, as if the connection had broken."""


class RawResponse(NamedTuple):
    status: int
    reason: str
    headers: httpx.Headers
    content: bytes

    def __repr__(self) -> str:
        """Without content, which a traceback with variables would show."""
        return f"RawResponse({self.status})"


class Redirected(InvalidAnswer):
    """What answered has done nothing but name another place."""


def read_answer(response: RawResponse, now: float) -> Any:
    """Its JSON object, None of a 204. `now`: seconds since 1970.

    Raises ApiError, InvalidAnswer or TruncatedResponse.
    """
    if HTTPStatus.OK <= response.status < HTTPStatus.MULTIPLE_CHOICES:
        return None if response.status == HTTPStatus.NO_CONTENT else _document(response)
    raise _error(response, now)


def _document(response: RawResponse) -> Any:
    is_json = response.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json"
    flaw = False
    try:
        document = json.loads(response.content)
    except (ValueError, RecursionError):
        flaw = True
    # Raised here, an error carries nothing of the answer as its context.
    if flaw and is_json:
        raise TruncatedResponse
    if flaw or not isinstance(document, dict):
        raise InvalidAnswer("What answered is not the API of Function Re-run: check the URL.")
    return document


def _error(response: RawResponse, now: float) -> Exception:
    if response.status < HTTPStatus.BAD_REQUEST:
        return Redirected("The URL leads elsewhere (a redirect, which is not followed with a token): check it.")
    said = _said(response)
    code, message = said.get("code"), said.get("message")
    code = code if isinstance(code, str) else ""
    sentence = message[:_LONGEST_SENTENCE] if isinstance(message, str) and message else response.reason
    field, request_id = said.get("field"), said.get("requestId") or response.headers.get("apigw-requestid")
    return class_of(response.status, code)(
        sentence or f"The answer has the status {response.status}.",
        status=response.status,
        code=code,
        field=field if isinstance(field, str) else None,
        request_id=request_id if isinstance(request_id, str) else None,
        retry_after=_retry_after(response.headers.get("retry-after"), now),
        document=said,
    )


def _said(response: RawResponse) -> dict[str, Any]:
    try:
        said = json.loads(response.content)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _retry_after(value: str | None, now: float) -> float | None:
    """Seconds from now, of a header that says seconds or a date: https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3."""
    if value is None:
        return None
    try:
        seconds = float(value) if value.strip().isdecimal() else parsedate_to_datetime(value).timestamp() - now
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), _LONGEST_RETRY_AFTER)
