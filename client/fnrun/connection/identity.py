"""Who a token says one is, and what it permits: read as the service reads it, to explain what the service decides."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Self

from fnrun.connection.claims import Claims, claims_of, expiry_of

WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GRANT = re.compile(rf"(?P<workspace>{WORKSPACE.pattern})/(?P<resource>\*|[a-z-]+):(?P<action>\*|[a-z-]+)")
_CLIENT = ("client_id", "cid", "azp", "appid", "clientId")
_NAME = ("username", "email", "preferred_username", "name")
_OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash")
_ACCESS_TYPES = ("bearer", "dpop", "at+jwt")
_OF_SERVICE_ACCOUNTS = ("client_id", "clientId", "clientHost", "clientAddress")


@dataclass(frozen=True)
class Identity:
    subject: str
    name: str | None
    """What people call it, if the token says it."""
    client: str | None
    issuer: str | None
    audience: tuple[str, ...]
    grants: tuple[str, ...]
    is_id_token: bool
    issued_at: float | None
    expires_at: float | None

    @classmethod
    def of(cls, token: str) -> Self | None:
        """None if it is not a JWT with claims."""
        claims = claims_of(token)
        if not claims:
            return None
        issued = claims.get("iat")
        return cls(
            subject=str(claims.get("sub") or f"client:{_client(claims)}"),
            name=next((str(claims[each]) for each in _NAME if claims.get(each)), None),
            client=_client(claims),
            issuer=str(claims["iss"]) if "iss" in claims else None,
            audience=tuple(_strings(claims.get("aud"))),
            grants=tuple(sorted(filter(is_grant, _granted(claims)))),
            is_id_token=not _is_access_token(claims),
            issued_at=float(issued) if isinstance(issued, int | float) else None,
            expires_at=expiry_of(claims),
        )

    @property
    def shown(self) -> str:
        return f"{self.name} ({self.subject})" if self.name and self.name != self.subject else self.subject

    def by_workspace(self) -> dict[str, list[str]]:
        """`{"acme": ["function-runs:read"]}`."""
        found: dict[str, list[str]] = defaultdict(list)
        for grant in self.grants:
            workspace, _, what = grant.partition("/")
            found[workspace].append(what)
        return dict(found)

    def may(self, workspace: str, what: str) -> bool:
        """`what` is `resource:action`."""
        resource, _, action = what.partition(":")
        return any(
            found["workspace"] == workspace
            and found["resource"] in ("*", resource)
            and found["action"] in ("*", action)
            for found in filter(None, map(_GRANT.fullmatch, self.grants))
        )


def is_grant(text: str) -> bool:
    return _GRANT.fullmatch(text) is not None


def _granted(claims: Claims) -> set[str]:
    """People's grants are their groups and permissions; a scope counts for a machine, whose own it is."""
    granted = {*_strings(claims.get("cognito:groups")), *_strings(claims.get("permissions"))}
    if _is_machine(claims):
        for name in ("roles",) if _is_entra_machine(claims) else ("scope", "scp"):
            granted.update(_strings(claims.get(name)))
    return granted


def _client(claims: Claims) -> str | None:
    return next((claims[each] for each in _CLIENT if isinstance(claims.get(each), str) and claims[each]), None)


def _is_machine(claims: Claims) -> bool:
    """The service's own table of providers, in short."""
    subject = claims.get("sub")
    return (
        bool(subject and subject == claims.get("client_id") and "username" not in claims)
        or bool(subject and subject == claims.get("cid") and "uid" not in claims)
        or claims.get("gty") == "client-credentials"
        or any(subject == f"{claims[each]}@clients" for each in ("client_id", "azp") if claims.get(each))
        or _is_entra_machine(claims)
        or _is_keycloak_machine(claims)
    )


def _is_entra_machine(claims: Claims) -> bool:
    if "idtyp" in claims:
        return claims["idtyp"] == "app" and "scp" not in claims
    has_proven_itself = claims.get("azpacr", claims.get("appidacr")) in ("1", "2")
    is_its_own_principal = "tid" in claims and bool(claims.get("oid")) and claims.get("oid") == claims.get("sub")
    return has_proven_itself and is_its_own_principal and "scp" not in claims


def _is_keycloak_machine(claims: Claims) -> bool:
    name = f"service-account-{str(claims.get('azp')).lower()}"
    is_noted = any(each in claims for each in _OF_SERVICE_ACCOUNTS)
    has_session = "sid" in claims or "session_state" in claims
    return claims.get("preferred_username") == name and (is_noted or not has_session)


def _is_access_token(claims: Claims) -> bool:
    kind = str(claims.get("typ", "")).lower()
    is_other = kind in ("id", "refresh", "offline", "logout")
    if claims.get("token_use", "access") != "access" or is_other or any(each in claims for each in _OF_ID_TOKENS):
        return False
    if "token_use" in claims or kind in _ACCESS_TYPES or _is_machine(claims):
        return True
    is_for_its_client = _client(claims) is not None and _strings(claims.get("aud")) == [_client(claims)]
    delegates = any(each in claims for each in ("scope", "scp", "roles"))
    return "nonce" not in claims and not (is_for_its_client and not delegates)


def _strings(claim: Any) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    return [each for each in claim if isinstance(each, str)] if isinstance(claim, list) else []
