"""Verify the signature of a webhook after Standard Webhooks, over the very bytes that were sent.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

The reference library decodes the body as UTF-8, and gives up at the first malformed element of the header. But a body
need not be text, and what is malformed says nothing against the right signature beside it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE = timedelta(minutes=5)
# Elements stand apart by spaces; by a comma where API Gateway has made one header of two.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
_ELEMENT = re.compile(r"(?<![^\s,])v1,(?=([^\s,]+))")
_SECRET_PREFIX = "whsec_"  # noqa: S105 - how each secret begins


class Flaw(StrEnum):
    """Why a signature does not count: for the log. The answer says only that it does not."""

    NO_ID = "webhook-id is missing"
    NO_TIMESTAMP = "webhook-timestamp is missing"
    NO_SIGNATURE = "webhook-signature is missing"
    STALE = "webhook-timestamp is more than five minutes old"
    FUTURE = "webhook-timestamp is more than five minutes ahead"
    NO_KEY = "the trigger has no secret"
    MALFORMED = "webhook-signature has no element of the form v1,…"
    WRONG = "no element of webhook-signature is right"


def flaw_of(headers: Mapping[str, str], body: bytes, secrets: list[str], at: datetime) -> Flaw | None:
    """What is wrong with the signature at this moment; None if one of the secrets has made it.

    `headers` have names in lower case, and a timestamp, if any, of 1 to 12 digits.
    """
    sent = [headers.get(name) for name in (ID, TIMESTAMP, SIGNATURE)]
    for value, missing in zip(sent, (Flaw.NO_ID, Flaw.NO_TIMESTAMP, Flaw.NO_SIGNATURE), strict=True):
        if not value:
            return missing
    age = at.timestamp() - int(headers[TIMESTAMP])
    if abs(age) > TOLERANCE.total_seconds():
        return Flaw.STALE if age > 0 else Flaw.FUTURE
    if not secrets:
        return Flaw.NO_KEY
    claimed = _signatures(headers[SIGNATURE])
    if not claimed:
        return Flaw.MALFORMED
    signed = f"{headers[ID]}.{headers[TIMESTAMP]}.".encode() + body
    expected = [_signature(secret, signed) for secret in secrets]
    # Each is compared with each, whatever was found before: the time it takes does not tell which was close.
    right = [hmac.compare_digest(one, other) for one in expected for other in claimed]
    return None if any(right) else Flaw.WRONG


def _signatures(header: str) -> list[bytes]:
    """The elements of version 1; whatever else there is is passed over, wherever it stands."""
    return [text.encode(errors="replace") for text in _ELEMENT.findall(header)]


def _signature(secret: str, signed: bytes) -> bytes:
    key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX))
    return base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
