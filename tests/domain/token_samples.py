"""Claims of access and ID tokens as providers publish them: names and forms are theirs, values are changed.

Each list says where it is from. `SCOPE` stands where a machine's scopes lie; for people it is a scope of their
application, which must grant them nothing.
"""

from typing import Any

Claims = dict[str, Any]
SCOPE = "acme/function-triggers:execute"
_TIMES: Claims = {"iat": 1790000000, "exp": 1790003600}

# https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
_COGNITO: Claims = {
    **_TIMES,
    "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Example",
    "token_use": "access",
    "jti": "0b1d0b8e-1111-4222-8333-444455556666",
    "version": 2,
    "auth_time": 1790000000,
}
# https://developer.okta.com/docs/guides/implement-grant-type/ and …/build-self-signed-jwt/: `cid`, `uid`, `scp`
_OKTA: Claims = {
    **_TIMES,
    "ver": 1,
    "jti": "AT.Zm9vYmFyYmF6",
    "iss": "https://acme.okta.com/oauth2/default",
    "aud": "api://default",
    "cid": "0oa1b2c3d4e5f6g7h8i9",
}
# https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
_AUTH0: Claims = {**_TIMES, "iss": "https://acme.eu.auth0.com/", "aud": "https://rerun.acme.example"}
# https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
_ENTRA: Claims = {
    **_TIMES,
    "aud": "api://rerun",
    "tid": "63000000-0000-4000-8000-000000000001",
    "uti": "opaque",
    "rh": "opaque",
}
_ENTRA_V1: Claims = {**_ENTRA, "iss": "https://sts.windows.net/63000000-0000-4000-8000-000000000001/", "ver": "1.0"}
_ENTRA_V2: Claims = {
    **_ENTRA,
    "iss": "https://login.microsoftonline.com/63000000-0000-4000-8000-000000000001/v2.0",
    "ver": "2.0",
}
_PRINCIPAL = "72000000-0000-4000-8000-000000000002"
_APPLICATION = "16000000-0000-4000-8000-000000000003"
# https://www.keycloak.org/docs/latest/server_admin/#_service_accounts, and tokens of a server as people show them
_KEYCLOAK: Claims = {
    **_TIMES,
    "iss": "https://login.acme.example/realms/acme",
    "aud": "rerun",
    "typ": "Bearer",
    "azp": "night-batch",
    "acr": "1",
    "realm_access": {"roles": ["default-roles-acme"]},
}
_ACCOUNT = "service-account-night-batch"

MACHINES: dict[str, Claims] = {
    "cognito": {**_COGNITO, "sub": "4client", "client_id": "4client", "scope": SCOPE},
    "okta": {**_OKTA, "sub": "0oa1b2c3d4e5f6g7h8i9", "scp": [SCOPE]},
    "auth0": {**_AUTH0, "sub": "Zk3m@clients", "azp": "Zk3m", "scope": SCOPE, "gty": "client-credentials"},
    "auth0-rfc9068": {**_AUTH0, "sub": "Zk3m@clients", "client_id": "Zk3m", "jti": "73Wakr", "scope": SCOPE},
    "entra-v1": {
        **_ENTRA_V1,
        "appid": _APPLICATION,
        "appidacr": "1",
        "idtyp": "app",
        "oid": _PRINCIPAL,
        "sub": _PRINCIPAL,
        "roles": [SCOPE],
    },
    "entra-v2": {
        **_ENTRA_V2,
        "azp": _APPLICATION,
        "azpacr": "2",
        "idtyp": "app",
        "oid": _PRINCIPAL,
        "sub": _PRINCIPAL,
        "roles": [SCOPE],
    },
    "entra-without-the-optional-claim": {
        **_ENTRA_V2,
        "azp": _APPLICATION,
        "azpacr": "1",
        "oid": _PRINCIPAL,
        "sub": _PRINCIPAL,
        "roles": [SCOPE],
    },
    "keycloak": {
        **_KEYCLOAK,
        "sub": "b4768e19-0000-4000-8000-000000000004",
        "preferred_username": _ACCOUNT,
        "client_id": "night-batch",
        "clientHost": "10.0.0.1",
        "clientAddress": "10.0.0.1",
        "email_verified": False,
        "scope": f"email profile {SCOPE}",
    },
    "keycloak-of-old": {
        **_KEYCLOAK,
        "sub": "b4768e19-0000-4000-8000-000000000004",
        "preferred_username": _ACCOUNT,
        "clientId": "night-batch",
        "session_state": "a3",
        "scope": f"email profile {SCOPE}",
    },
    "keycloak-without-its-notes": {**_KEYCLOAK, "preferred_username": _ACCOUNT, "scope": SCOPE},
}

PEOPLE: dict[str, Claims] = {
    "cognito": {**_COGNITO, "sub": "aaaa-bbbb", "client_id": "4client", "username": "ada", "scope": SCOPE},
    "okta": {**_OKTA, "sub": "ada@acme.example", "uid": "00u1a2b3c4d5", "scp": ["openid", SCOPE]},
    "okta-whose-login-is-the-client-s-id": {
        **_OKTA,
        "sub": "0oa1b2c3d4e5f6g7h8i9",
        "uid": "00u1a2b3c4d5",
        "scp": [SCOPE],
    },
    "auth0": {**_AUTH0, "sub": "auth0|123456", "azp": "Zk3m", "scope": f"openid {SCOPE}"},
    "auth0-rfc9068": {**_AUTH0, "sub": "auth0|123456", "client_id": "Zk3m", "scope": SCOPE},
    "auth0-by-password": {**_AUTH0, "sub": "auth0|123456", "azp": "Zk3m", "scope": SCOPE, "gty": "password"},
    "entra-v1": {
        **_ENTRA_V1,
        "appid": _APPLICATION,
        "appidacr": "1",
        "oid": _PRINCIPAL,
        "sub": "pairwise",
        "scp": SCOPE,
        "roles": [SCOPE],
    },
    "entra-v2": {
        **_ENTRA_V2,
        "azp": _APPLICATION,
        "azpacr": "1",
        "idtyp": "user",
        "oid": _PRINCIPAL,
        "sub": "pairwise",
        "scp": SCOPE,
        "roles": [SCOPE],
    },
    "entra-public-client": {
        **_ENTRA_V2,
        "azp": _APPLICATION,
        "azpacr": "0",
        "oid": _PRINCIPAL,
        "sub": _PRINCIPAL,
        "roles": [SCOPE],
    },
    "keycloak": {**_KEYCLOAK, "sub": "0d6c", "sid": "a3", "preferred_username": "ada", "scope": f"openid {SCOPE}"},
    "keycloak-of-old": {**_KEYCLOAK, "sub": "0d6c", "session_state": "a3", "nonce": "n-0S6", "scope": SCOPE},
    "keycloak-who-took-the-name": {
        **_KEYCLOAK,
        "sub": "0d6c",
        "sid": "a3",
        "preferred_username": _ACCOUNT,
        "scope": SCOPE,
    },
}

# https://openid.net/specs/openid-connect-core-1_0.html#IDToken and the providers' own pages
ID_TOKENS: dict[str, Claims] = {
    "cognito": {**_COGNITO, "sub": "aaaa-bbbb", "aud": "4client", "token_use": "id", "cognito:groups": [SCOPE]},
    "okta": {**_TIMES, "sub": "00u1", "ver": 1, "jti": "ID.rad", "aud": "0oa1", "amr": ["pwd"], "at_hash": "fPls"},
    "auth0": {**_AUTH0, "sub": "auth0|123456", "aud": "Zk3m", "nonce": "n-0S6", "sid": "s", "permissions": [SCOPE]},
    "auth0-without-a-nonce": {**_AUTH0, "sub": "auth0|123456", "aud": "Zk3m", "azp": "Zk3m", "permissions": [SCOPE]},
    "entra": {**_ENTRA_V2, "aud": _APPLICATION, "sub": "pairwise", "oid": _PRINCIPAL, "nonce": "1", "roles": [SCOPE]},
    "hybrid": {**_TIMES, "sub": "ada", "aud": "web", "c_hash": "LDktKdoQak3Pk0cnXxCltA", "permissions": [SCOPE]},
    "keycloak": {**_KEYCLOAK, "sub": "0d6c", "aud": "night-batch", "typ": "ID", "at_hash": "x", "sid": "a3"},
    "keycloak-refresh": {**_KEYCLOAK, "sub": "0d6c", "typ": "Refresh", "scope": SCOPE},
}


def through_api_gateway(claims: Claims) -> Claims:
    """As an HTTP API's JWT authorizer hands claims to a Lambda: each a string, lists as `[a b]`.

    https://github.com/aws-solutions-library-samples/guidance-for-claude-code-with-amazon-bedrock/issues/802
    """
    return {name: _text(value) for name, value in claims.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"[{' '.join(map(_text, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_text(each)}' for name, each in value.items())}]"
    return str(value)
