"""What the command line reads in a token is what the service reads in it."""

import time
from typing import Any

import pytest
from fnrun.connection.discovery import LoginDescription
from fnrun.connection.identity import Identity
from fnrun.connection.refusals import reasons_of_refusal

from handlers.domain.errors import Unauthenticated
from handlers.domain.identity import Caller, is_grant
from tests.client.connection.conftest import MakeToken
from tests.domain.token_samples import ID_TOKENS, MACHINES, PEOPLE

SAMPLES = {
    **MACHINES,
    **PEOPLE,
    **ID_TOKENS,
    "a person of the pool": {
        "sub": "u-1",
        "username": "ada",
        "client_id": "c",
        "token_use": "access",
        "cognito:groups": ["acme/*:*", "acme/function-runs:read", "another group"],
        "scope": "openid acme/function-triggers:execute",
    },
}
API = LoginDescription("https://issuer", "the-cli", ("api://function-rerun",), "1")
GOOD = {"iss": "https://issuer", "aud": "api://function-rerun", "scope": "openid", "client_id": "the-cli"}


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_token_is_read_as_the_service_reads_it(sample: str, make_token: MakeToken) -> None:
    claims = {"sub": None, **SAMPLES[sample]}
    identity = Identity.of(make_token(**claims))
    assert identity is not None
    try:
        caller = Caller.of_claims({name: each for name, each in claims.items() if each is not None})
    except Unauthenticated:
        assert identity.is_id_token
        return
    assert not identity.is_id_token
    assert identity.subject == caller.subject
    assert identity.grants == tuple(sorted(filter(is_grant, caller.grants)))
    for what in ("function-triggers:execute", "function-runs:read", "audit:read"):
        assert identity.may("acme", what) == caller.may("acme", *what.split(":"))


@pytest.mark.parametrize("text", ["", "a-secret", "a.b.c", "..", "e30.e30.e30", "a.W10.c"])
def test_what_is_no_token_is_nobody(text: str) -> None:
    assert Identity.of(text) is None
    assert "not a JWT" in reasons_of_refusal(text, API)[0]


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({}, None),
        ({"aud": ["other", "api://function-rerun"]}, None),
        ({"iss": "https://issuer/"}, "its issuer is https://issuer/"),
        ({"aud": "other"}, "it is meant for other, and the API is api://function-rerun"),
        ({"at_hash": "x"}, "it is an ID token"),
        ({"exp": 1}, "it expired at 1970-01-01 00:00:01 UTC"),
        ({"iat": time.time() + 1000}, "it is issued in the future"),
    ],
)
def test_a_refusal_is_explained_by_what_the_token_says(
    claims: dict[str, Any], reason: str | None, make_token: MakeToken
) -> None:
    found = reasons_of_refusal(make_token(**GOOD | claims), API)
    assert [each for each in found if not each.startswith(reason or "nothing")] == []
    assert len(found) == (reason is not None)
