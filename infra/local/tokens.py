"""Access tokens as a Cognito user pool would issue them, without users and passwords."""

import functools
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from infra.local.emulator.process import REGION, Emulator, unproxied

# The scope of every access token that Cognito's API issues; its OAuth endpoints put others.
API_SCOPE = "aws.cognito.signin.user.admin"


def mint(
    emulator: Emulator,
    user_pool_id: str,
    client_id: str,
    subject: str,
    grants: Sequence[str],
    /,
    *,
    scope: str | None = None,
    lifetime_seconds: int = 3600,
    **overrides: Any,
) -> str:
    """A signed access token whose groups are the grants; an override of None removes the claim.

    Claims: https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    """
    now = int(time.time())
    claims = {
        "sub": subject,
        "cognito:groups": list(grants),
        "iss": f"https://cognito-idp.{REGION}.amazonaws.com/{user_pool_id}",
        "client_id": client_id,
        "origin_jti": str(uuid.uuid4()),
        "token_use": "access",
        "scope": API_SCOPE if scope is None else scope,
        "auth_time": now,
        "exp": now + lifetime_seconds,
        "iat": now,
        "jti": str(uuid.uuid4()),
        "username": subject,
        **overrides,
    }
    if not claims["cognito:groups"]:
        del claims["cognito:groups"]  # Cognito leaves the claim out for a user in no group
    key_id, key = _signer(emulator.url, emulator.state, user_pool_id)
    present = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(present, key, algorithm="RS256", headers={"kid": key_id})


@functools.cache
def _signer(url: str, state: Path, user_pool_id: str) -> tuple[str, RSAPrivateKey]:
    """The pool's key for access tokens, and its id. Cached, because loading a key takes longer than signing with it."""
    # The emulator creates a pool's keys at the first request for its key set, so this comes before the file is read.
    with unproxied() as http:
        keys = http.get(f"{url}/{user_pool_id}/.well-known/jwks.json").raise_for_status().json()["keys"]
    pem = (state / "cognito-pool-keys" / f"{user_pool_id}-access.pem").read_bytes()
    key = load_pem_private_key(pem, password=None)
    assert isinstance(key, RSAPrivateKey)  # noqa: S101 - the emulator makes no other
    return next(str(each["kid"]) for each in keys if jwt.PyJWK(each).key == key.public_key()), key
