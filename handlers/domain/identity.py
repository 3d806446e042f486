"""Who asks, and what they may do.

A grant is `{workspace}/{resource}:{action}`. `*` may stand for the whole resource or the whole action, never for a
workspace. For people, grants are their groups and permissions; scopes count only for tokens that a machine client
got for itself, because a scope belongs to an application, whoever its user is.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from handlers.domain.errors import Forbidden, Unauthenticated

WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GRANT = re.compile(rf"(?P<workspace>{WORKSPACE.pattern})/(?P<resource>\*|[a-z-]+):(?P<action>\*|[a-z-]+)")


class Caller(NamedTuple):
    subject: str
    grants: frozenset[str]

    @classmethod
    def of_claims(cls, claims: Mapping[str, Any]) -> Self:
        """The caller of an access token that the authorizer has verified. Raises Unauthenticated."""
        if claims.get("token_use", "access") != "access":
            raise Unauthenticated("An access token is required, not an ID token.")
        subject = claims.get("sub")
        if not isinstance(subject, str) or not subject:
            raise Unauthenticated("The token names no subject.")
        granted = [*_strings(claims.get("cognito:groups")), *_strings(claims.get("permissions"))]
        if _is_machine(claims):
            granted += _strings(claims.get("scope"))
        return cls(subject, frozenset(granted))

    def require(self, workspace: str, resource: str, action: str) -> None:
        """Raises Forbidden, which names the grant that is missing."""
        if not any(_covers(grant, workspace, resource, action) for grant in self.grants):
            raise Forbidden(f"{workspace[:63]}/{resource}:{action}")


def is_grant(text: str) -> bool:
    return _GRANT.fullmatch(text) is not None


def _covers(grant: str, workspace: str, resource: str, action: str) -> bool:
    match = _GRANT.fullmatch(grant)
    return (
        match is not None
        and match["workspace"] == workspace
        and match["resource"] in ("*", resource)
        and match["action"] in ("*", action)
    )


def _is_machine(claims: Mapping[str, Any]) -> bool:
    """Whether the token is of the client-credentials grant: Auth0's, Cognito's and Okta's ways to say so."""
    if claims.get("gty") == "client-credentials":
        return True
    subject = claims.get("sub")
    client = claims.get("client_id") or claims.get("cid")
    return subject is not None and subject == client and "username" not in claims


def _strings(claim: object) -> list[str]:
    """The strings of a list claim. API Gateway hands `["a", "b"]` to a Lambda as `"[a b]"`."""
    if isinstance(claim, str):
        return claim.removeprefix("[").removesuffix("]").split() if claim.startswith("[") else claim.split()
    if isinstance(claim, list):
        return [each for each in claim if isinstance(each, str)]
    return []
