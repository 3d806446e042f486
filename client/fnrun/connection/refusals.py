"""Why an API refuses a token, as far as the token itself shows it."""

import time
from datetime import UTC, datetime

from fnrun.connection.discovery import LoginDescription
from fnrun.connection.identity import Identity

SKEW_SECONDS = 60.0
"""A clock that differs by less harms nothing."""


def reasons_of_refusal(token: str, api: LoginDescription, *, now: float | None = None) -> list[str]:
    """Sentences without full stops; none if nothing is found."""
    identity, now = Identity.of(token), time.time() if now is None else now
    if identity is None:
        return ["it is not a JWT: ask the provider for one that is meant for the API (its audience)"]
    found = []
    if identity.issuer != api.issuer:
        found.append(f"its issuer is {identity.issuer}, and the API trusts {api.issuer}")
    if identity.is_id_token:
        found.append("it is an ID token, and the API takes access tokens only")
    meant_for = identity.audience or ((identity.client,) if identity.client else ())
    # Without an audience of the API, further clients of the pool may count, which its description does not list.
    if api.audience and not set(api.audience) & set(meant_for):
        found.append(f"it is meant for {', '.join(meant_for) or 'nobody'}, and the API is {' or '.join(api.audience)}")
    if identity.expires_at is not None and identity.expires_at <= now:
        found.append(f"it expired at {_utc(identity.expires_at)}")
    if identity.issued_at is not None and identity.issued_at > now + SKEW_SECONDS:
        found.append(f"it is issued in the future, at {_utc(identity.issued_at)}: this machine's clock may be slow")
    return found


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
