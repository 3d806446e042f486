"""A person's login: the authorization code grant with PKCE, by the browser.

https://www.rfc-editor.org/rfc/rfc8252 and https://www.rfc-editor.org/rfc/rfc9700
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from fnrun.connection.callback import Callback, listening
from fnrun.connection.discovery import Provider
from fnrun.connection.exchange import harmless, redeemed
from fnrun.connection.token_store import Tokens
from fnrun.errors import CommandError, Exit

PATIENCE_SECONDS = 300.0
_ENTRA_HOSTS = ("login.microsoftonline.com", "login.microsoftonline.us", "login.partner.microsoftonline.cn")


@dataclass(frozen=True)
class Application:
    """The client that one logs in with, and for which API."""

    client_id: str
    audience: str | None = None
    scopes: tuple[str, ...] = ()
    """In addition to those that every login asks for."""


def log_in(provider: Provider, application: Application, show: Callable[[str], None]) -> Tokens:
    """`show` brings the address of the login page before the user's eyes. Raises CommandError."""
    verifier = secrets.token_urlsafe(48)
    with listening() as callback:
        show(_page(provider, application, callback, verifier))
        code = _code(callback.answer(seconds=PATIENCE_SECONDS), provider)
    tokens = redeemed(
        issuer=provider.issuer,
        token_endpoint=provider.token_endpoint,
        client_id=application.client_id,
        code=code,
        verifier=verifier,
        redirect_uri=callback.uri,
        extra=_resource(application),
    )
    return replace(tokens, revocation_endpoint=provider.revocation_endpoint)


def _page(provider: Provider, application: Application, callback: Callback, verifier: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": callback.uri,
        "scope": " ".join(_scopes(provider, application)),
        "state": callback.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"audience": application.audience} if application.audience else {}),
        **_resource(application),
    }
    separator = "&" if urlsplit(provider.authorization_endpoint).query else "?"
    return f"{provider.authorization_endpoint}{separator}{urlencode(query)}"


def _scopes(provider: Provider, application: Application) -> list[str]:
    asked = ["openid", *application.scopes]
    if "offline_access" in provider.scopes:
        asked.append("offline_access")  # else there is no refresh token
    # Entra ID takes no audience: an API is named by its scopes.
    is_entra = urlsplit(provider.issuer).hostname in _ENTRA_HOSTS
    if is_entra and application.audience and not application.scopes:
        asked.append(f"{application.audience}/.default")
    return list(dict.fromkeys(asked))


def _resource(application: Application) -> dict[str, str]:
    """The API, as https://www.rfc-editor.org/rfc/rfc8707 names it: by a URI. Auth0 takes `audience` for the same."""
    audience = application.audience
    return {"resource": audience} if audience and urlsplit(audience).scheme else {}


def _code(answer: dict[str, str], provider: Provider) -> str:
    """Raises CommandError."""
    issuer = answer.get("iss")
    if issuer != provider.issuer and (issuer is not None or provider.names_itself):
        raise CommandError(
            f"The answer to the login is not from {provider.issuer}", "call fnrun login again", Exit.NOT_PERMITTED
        )
    if "error" in answer or "code" not in answer:
        why = harmless(answer.get("error", "no code"))
        if described := harmless(answer.get("error_description", "")):
            why += f" ({described})"
        raise CommandError(f"The login was refused: {why}", "call fnrun login again", Exit.NOT_PERMITTED)
    return answer["code"]
