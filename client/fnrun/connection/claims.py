"""What a token says of itself. Nothing here proves it: the API does, and it alone decides."""

import base64
import json
from collections.abc import Mapping
from typing import Any

Claims = Mapping[str, Any]


def claims_of(token: str) -> Claims:
    """Of a JWT; empty if it is none."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (LookupError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def expiry_of(claims: Claims) -> float | None:
    """In seconds since 1970."""
    expiry = claims.get("exp")
    return float(expiry) if isinstance(expiry, int | float) and not isinstance(expiry, bool) else None
