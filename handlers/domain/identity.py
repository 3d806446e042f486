"""Who asks, and what they may do.

A grant is `{workspace}/{resource}:{action}`. `*` may stand for the whole resource or the whole action, never for a
workspace. For people, grants are their groups and permissions; scopes count only for tokens that a machine client
got for itself, because a scope belongs to an application, whoever its user is.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Self

from handlers.domain.errors import Forbidden, Unauthenticated
from handlers.domain.token_issuers import Claims, client_of, is_machine, machine_scopes

WORKSPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_GRANT = re.compile(rf"(?P<workspace>{WORKSPACE.pattern})/(?P<resource>\*|[a-z-]+):(?P<action>\*|[a-z-]+)")
# Only an ID token holds the hash of the access token or code that was issued beside it.
# https://openid.net/specs/openid-connect-core-1_0.html
_OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash")
# Keycloak's `typ`, a claim of its own. Its access tokens used to repeat the `nonce` of the login.
_OTHER_TYPES = frozenset({"id", "refresh", "offline", "logout"})
_ACCESS_TYPES = frozenset({"bearer", "dpop", "at+jwt"})
_DELEGATED = ("scope", "scp", "roles")


class Caller(NamedTuple):
    subject: str
    """The token's `sub`; without one, `client:{id}` of the application that it was issued to."""
    grants: frozenset[str]

    @classmethod
    def of_claims(cls, claims: Claims) -> Self:
        """The caller of an access token that the authorizer has verified. Raises Unauthenticated."""
        if not _is_access_token(claims):
            raise Unauthenticated("An access token is required, not an ID token.")
        subject = _subject(claims)
        granted = [*_strings(claims.get("cognito:groups")), *_strings(claims.get("permissions"))]
        for scopes in machine_scopes(claims):
            granted += _strings(scopes)
        return cls(subject, frozenset(granted))

    def may(self, workspace: str, resource: str, action: str) -> bool:
        return any(_covers(grant, workspace, resource, action) for grant in self.grants)

    def require(self, workspace: str, resource: str, action: str) -> None:
        """Raises Forbidden, which names the grant that is missing."""
        if not self.may(workspace, resource, action):
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


def _subject(claims: Claims) -> str:
    """Raises Unauthenticated."""
    subject, client = claims.get("sub"), client_of(claims)
    if subject is None and client is not None:
        return f"client:{client}"
    if not isinstance(subject, str) or not subject:
        raise Unauthenticated("The token names no subject.")
    return subject


def _is_access_token(claims: Claims) -> bool:
    """An ID token says who has logged in to an application; it gives no permission to call an API.

    Cognito and Keycloak name the type of a token. Those of other issuers are recognised by claims that only ID tokens
    have, or because their audience is the application they were issued to and they delegate nothing.
    """
    kind = str(claims.get("typ", "")).lower()
    if claims.get("token_use", "access") != "access" or kind in _OTHER_TYPES:
        return False
    if any(name in claims for name in _OF_ID_TOKENS):
        return False
    if "token_use" in claims or kind in _ACCESS_TYPES or is_machine(claims):
        return True
    is_for_its_client = client_of(claims) is not None and _strings(claims.get("aud")) == [client_of(claims)]
    return "nonce" not in claims and not (is_for_its_client and not any(name in claims for name in _DELEGATED))


def _strings(claim: object) -> list[str]:
    """The strings of a list claim. API Gateway hands `["a", "b"]` to a Lambda as `"[a b]"`; a scope is `"a b"`.

    https://github.com/aws-solutions-library-samples/guidance-for-claude-code-with-amazon-bedrock/issues/802
    """
    if isinstance(claim, str):
        is_list = claim.startswith("[")
        if is_list != claim.endswith("]"):
            return []  # neither a list nor words: half of something
        return list(_outermost_words(claim[1:-1] if is_list else claim))
    if isinstance(claim, list):
        return [each for each in claim if isinstance(each, str)]
    return []


def _outermost_words(text: str) -> Iterator[str]:
    """Its words, but for those of a list within the list: as a list they are no strings either."""
    depth = 0
    for word in text.split():
        opened, closed = word.count("["), word.count("]")
        if depth == 0 and not opened and not closed:
            yield word
        depth += opened - closed
