"""Where one logs in: the API names its issuer, and the issuer describes itself.

https://openid.net/specs/openid-connect-discovery-1_0.html
"""

from dataclasses import dataclass
from typing import Any

from fnrun.connection.addresses import checked_url, is_loopback
from fnrun.connection.http import get_json
from fnrun.errors import CommandError, Exit

_REVOCATION = "revocation_endpoint"
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class LoginDescription:
    """What an API says about its tokens."""

    issuer: str
    client_id: str | None
    audience: tuple[str, ...]
    version: str


@dataclass(frozen=True)
class Provider:
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None
    scopes: frozenset[str]
    names_itself: bool
    """Whether each answer to the browser carries `iss`: https://www.rfc-editor.org/rfc/rfc9207"""


def login_description(api_url: str) -> LoginDescription:
    """From the API's OpenAPI document. Raises CommandError."""
    document = get_json(f"{api_url}/openapi.json", what="The API's description")
    try:
        scheme = document["components"]["securitySchemes"]["accessToken"]
        audience = scheme.get("x-audience", [])
        return LoginDescription(
            issuer=str(scheme["x-issuer"]),
            client_id=scheme.get("x-client-id"),
            audience=tuple(map(str, audience)),
            version=str(document["info"]["version"]),
        )
    except (LookupError, TypeError, AttributeError):
        raise CommandError(
            f"{api_url} is not the API of Function Re-run", "take the stack's output ApiUrl", Exit.USAGE
        ) from None


def provider_of(issuer: str, *, address: str | None = None) -> Provider:
    """What the issuer says of itself.

    `address` is where it is asked if that is not below the issuer's own URL: the emulator of a local stack answers for
    the pools that AWS would have. Raises CommandError.
    """
    checked_url(issuer, what="The issuer")
    base = address or issuer.rstrip("/")
    described = get_json(base + _WELL_KNOWN, what="The identity provider")
    # Exactly: whoever answers for another issuer gets no login (section 4.3).
    if described.get("issuer") != issuer:
        raise CommandError(
            f"The identity provider at {base} does not say that it is {issuer}",
            "check the stack's issuer, or name it with --issuer",
        )
    methods = described.get("code_challenge_methods_supported")
    if isinstance(methods, list) and "S256" not in methods:
        raise CommandError("The identity provider has no PKCE with S256", "use another client or provider: --client-id")
    scopes = described.get("scopes_supported")
    return Provider(
        issuer=issuer,
        authorization_endpoint=_endpoint(described, "authorization_endpoint", base),
        token_endpoint=_endpoint(described, "token_endpoint", base),
        revocation_endpoint=_endpoint(described, _REVOCATION, base) if _REVOCATION in described else None,
        scopes=frozenset(map(str, scopes if isinstance(scopes, list) else ())),
        names_itself=described.get("authorization_response_iss_parameter_supported") is True,
    )


def _endpoint(described: dict[str, Any], name: str, base: str) -> str:
    url = described.get(name)
    is_http_allowed = is_loopback(base)
    if not isinstance(url, str) or not (
        url.startswith("https://") or (is_http_allowed and url.startswith("http://") and is_loopback(url))
    ):
        raise CommandError(f"The identity provider's {name} is not an HTTPS address", "ask its operator")
    return url
