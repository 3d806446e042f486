"""How the tokens of identity providers differ: which of them are a machine's, and where the scopes of a machine lie.

One table: a provider that is missing is a row that is missing.

Only the token of a client-credentials grant is a machine's. A token of that client's user looks much the same, so each
row asks for what its provider puts into the former and not into the latter. Published samples, which the tests repeat:

Cognito   https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
Okta      https://developer.okta.com/docs/api/openapi/okta-oauth/guides/overview/ (`cid`, `uid`, `scp`)
Auth0     https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles (both profiles)
Entra     https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference (v1.0 and v2.0)
Keycloak  https://www.keycloak.org/docs/latest/server_admin/#_service_accounts
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Claims = Mapping[str, Any]

# In the order in which they are believed. An Auth0 token has `azp` or `client_id`, by its profile.
_CLIENT = ("client_id", "cid", "azp", "appid", "clientId")
_SERVICE_ACCOUNT = "service-account-"
# Keycloak notes them in the session of a client-credentials grant only.
_NOTED_OF_SERVICE_ACCOUNTS = ("client_id", "clientId", "clientHost", "clientAddress")


class Machines(NamedTuple):
    """The machine tokens of one provider."""

    provider: str
    include: Callable[[Claims], bool]
    scopes: tuple[str, ...]
    """The claims in which their scopes lie."""


def client_of(claims: Claims) -> str | None:
    """The id of the application that the token was issued to."""
    found = (claims.get(name) for name in _CLIENT)
    return next((each for each in found if isinstance(each, str) and each), None)


def machine_scopes(claims: Claims) -> list[object]:
    """The scope claims of a machine's token; none for a person's, whose scopes belong to the application."""
    return [claims.get(name) for each in PROVIDERS if each.include(claims) for name in each.scopes]


def is_machine(claims: Claims) -> bool:
    return any(each.include(claims) for each in PROVIDERS)


def _is_cognito(claims: Claims) -> bool:
    """And other issuers that follow RFC 9068, section 2.2: without a resource owner, `sub` is the client."""
    return _is_its_own_subject(claims, "client_id") and "username" not in claims


def _is_okta(claims: Claims) -> bool:
    return _is_its_own_subject(claims, "cid") and "uid" not in claims


def _is_auth0(claims: Claims) -> bool:
    """`gty` is of the default profile only; ids of people have a connection and a bar in them, `auth0|123`."""
    if claims.get("gty") == "client-credentials":
        return True
    return any(claims.get("sub") == f"{claims[name]}@clients" for name in ("client_id", "azp") if claims.get(name))


def _is_entra(claims: Claims) -> bool:
    """`idtyp` is an optional claim. Without it: a client that has proven itself, and is the principal itself.

    `scp` is what a user has delegated to the application: no token for a machine has it.
    """
    if "idtyp" in claims:
        return claims["idtyp"] == "app" and "scp" not in claims
    has_proven_itself = claims.get("azpacr", claims.get("appidacr")) in ("1", "2")
    is_its_own_principal = "tid" in claims and bool(claims.get("oid")) and claims.get("oid") == claims.get("sub")
    return has_proven_itself and is_its_own_principal and "scp" not in claims


def _is_keycloak(claims: Claims) -> bool:
    """The name alone proves little: where people register themselves, one may have taken it. They have a session."""
    client = claims.get("azp")
    if not isinstance(client, str) or claims.get("preferred_username") != _SERVICE_ACCOUNT + client.lower():
        return False
    is_noted = any(name in claims for name in _NOTED_OF_SERVICE_ACCOUNTS)
    return is_noted or not ("sid" in claims or "session_state" in claims)


def _is_its_own_subject(claims: Claims, client: str) -> bool:
    return bool(claims.get("sub")) and claims.get("sub") == claims.get(client)


PROVIDERS = (
    Machines("Cognito", _is_cognito, ("scope",)),
    Machines("Okta", _is_okta, ("scp", "scope")),
    Machines("Auth0", _is_auth0, ("scope",)),
    Machines("Entra", _is_entra, ("roles",)),
    Machines("Keycloak", _is_keycloak, ("scope",)),
)
