"""Requests to a provider's token endpoint: a code for tokens, a refresh token for others, and their end."""

import time
from dataclasses import replace
from typing import Any

import httpx

from fnrun.connection.claims import claims_of, expiry_of
from fnrun.connection.http import object_of, send
from fnrun.connection.sources import GrantRefused
from fnrun.connection.token_store import Tokens
from fnrun.errors import CommandError, Exit

_PROVIDER = "The identity provider"
_SHOWN = 200


def redeemed(
    *,
    issuer: str,
    token_endpoint: str,
    client_id: str,
    code: str,
    verifier: str,
    redirect_uri: str,
    extra: dict[str, str],
) -> Tokens:
    """The tokens of an authorization code. Raises CommandError."""
    form = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": code,
        "code_verifier": verifier,
        "redirect_uri": redirect_uri,
    }
    answer = _ask(token_endpoint, form | extra, secrets=(code, verifier))
    return _tokens(answer, Tokens("", issuer=issuer, client_id=client_id, token_endpoint=token_endpoint, extra=extra))


def refreshed(tokens: Tokens) -> Tokens:
    """Others, with the refresh token that the provider may have put in the place of the former.

    Raises GrantRefused if the login has ended, another CommandError if the provider was not reached.
    """
    refresh_token = tokens.refresh_token or ""
    form = {"grant_type": "refresh_token", "client_id": tokens.client_id, "refresh_token": refresh_token}
    return _tokens(_ask(tokens.token_endpoint, form | tokens.extra, secrets=(refresh_token,)), tokens)


def is_revoked(tokens: Tokens) -> bool:
    """Whether the provider has ended the refresh token: RFC 7009."""
    if not tokens.revocation_endpoint or not tokens.refresh_token:
        return False
    form = {"token": tokens.refresh_token, "token_type_hint": "refresh_token", "client_id": tokens.client_id}
    try:
        return send("POST", tokens.revocation_endpoint, what=_PROVIDER, form=form).is_success
    except CommandError:
        return False


def _ask(endpoint: str, form: dict[str, str], *, secrets: tuple[str, ...]) -> dict[str, Any]:
    answer = send("POST", endpoint, what=_PROVIDER, form=form)
    if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise CommandError(f"{_PROVIDER} answers {answer.status_code}", "try again in a minute", Exit.NOT_REACHED)
    document = object_of(answer, what=_PROVIDER)
    if answer.is_success:
        return document
    error = str(document.get("error", answer.status_code))
    sentence = f"{_PROVIDER} gives no token: {error}"
    if description := harmless(str(document.get("error_description", "")), secrets):
        sentence += f" ({description})"
    kind = GrantRefused if error == "invalid_grant" else CommandError
    raise kind(sentence, "fnrun login", Exit.NOT_PERMITTED)


def _tokens(answer: dict[str, Any], former: Tokens) -> Tokens:
    access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token", former.refresh_token)
    if not isinstance(access_token, str) or str(answer.get("token_type", "")).lower() != "bearer":
        raise CommandError(
            f"{_PROVIDER} gives no access token", "check the client and its scopes: --client-id, --scope"
        )
    now, seconds = time.time(), answer.get("expires_in")
    # By our own clock, which may differ from the provider's.
    expires_at = now + float(seconds) if isinstance(seconds, int | float | str) and str(seconds).isdecimal() else None
    return replace(
        former,
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
        expires_at=expires_at or expiry_of(claims_of(access_token)),
        obtained_at=now,
    )


def harmless(text: str, secrets: tuple[str, ...] = ()) -> str:
    """A provider's sentence, in one line and without what was sent to it."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return "".join(each if each.isprintable() else " " for each in text)[:_SHOWN].strip().rstrip(".")
