from typing import Any

import pytest

from handlers.domain.errors import Forbidden, Unauthenticated
from handlers.domain.identity import Caller
from tests.domain.token_samples import ID_TOKENS, MACHINES, PEOPLE, through_api_gateway

EXECUTE = ("acme", "function-triggers", "execute")


def a_person(**claims: Any) -> dict[str, Any]:
    """A user's access token as Cognito makes it and API Gateway hands it over: every claim a string."""
    return {
        "sub": "user-123",
        "client_id": "the-web-app",
        "username": "ada",
        "token_use": "access",
        "scope": "openid",
        **claims,
    }


def a_machine(**claims: Any) -> dict[str, Any]:
    return {"sub": "the-cli", "client_id": "the-cli", "token_use": "access", **claims}


def may(claims: dict[str, Any], workspace: str, resource: str, action: str) -> bool:
    try:
        Caller.of_claims(claims).require(workspace, resource, action)
    except Forbidden:
        return False
    return True


@pytest.mark.parametrize(
    "grant", ["acme/function-triggers:execute", "acme/*:execute", "acme/function-triggers:*", "acme/*:*"]
)
def test_a_grant_covers_what_it_names(grant: str) -> None:
    assert may(a_person(**{"cognito:groups": [grant]}), *EXECUTE)


@pytest.mark.parametrize(
    "grant",
    [
        pytest.param("*/function-triggers:execute", id="any-workspace"),
        pytest.param("*/*:*", id="everything-everywhere"),
        pytest.param("acm*/function-triggers:execute", id="half-a-workspace"),
        pytest.param("acme/function-*:execute", id="half-a-resource"),
        pytest.param("acme/function-triggers:exec*", id="half-an-action"),
        pytest.param("acme/**:execute", id="two-stars"),
        pytest.param("acme/function-triggers:read", id="another-action"),
        pytest.param("acme/function-runs:execute", id="another-resource"),
        pytest.param("acme-2/function-triggers:execute", id="a-longer-workspace"),
        pytest.param("acm/function-triggers:execute", id="a-shorter-workspace"),
        pytest.param("ACME/function-triggers:execute", id="another-case"),
        pytest.param("function-triggers:execute", id="no-workspace"),
        pytest.param("acme/function-triggers", id="no-action"),
        pytest.param("acme/:execute", id="no-resource"),
        pytest.param("x acme/function-triggers:execute", id="more-than-a-grant"),
        pytest.param("acme/function-triggers:execute\n", id="a-line-end"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_grant_for_it_grants_nothing(grant: str) -> None:
    claims = {"sub": "user-123", "permissions": [grant]}
    with pytest.raises(Forbidden) as refused:
        Caller.of_claims(claims).require(*EXECUTE)
    assert refused.value.message == "The grant acme/function-triggers:execute is required."


def test_a_workspace_of_a_star_is_nobody_s() -> None:
    assert not may(a_person(**{"cognito:groups": ["*/*:*", "acme/*:*"]}), "*", "function-triggers", "execute")


def test_a_plain_grant_does_not_allow_what_asks_for_every_action() -> None:
    assert not may(a_person(permissions=["acme/function-triggers:read"]), "acme", "function-triggers", "*")


@pytest.mark.parametrize(
    "claim",
    [
        pytest.param(["other", "acme/function-triggers:execute"], id="a-list"),
        pytest.param("[other acme/function-triggers:execute]", id="a-list-as-api-gateway-writes-it"),
        pytest.param("[acme/function-triggers:execute other]", id="first-of-such-a-list"),
        pytest.param("[acme/function-triggers:execute]", id="alone-in-such-a-list"),
        pytest.param("acme/function-triggers:execute other", id="words"),
        pytest.param(["acme/function-triggers:execute", 7, None], id="a-list-with-other-things"),
    ],
)
@pytest.mark.parametrize("name", ["cognito:groups", "permissions"])
def test_groups_and_permissions_are_grants_in_each_form_that_they_come_in(name: str, claim: Any) -> None:
    assert may(a_person(**{name: claim}), *EXECUTE)


@pytest.mark.parametrize(
    "claim",
    [
        *(None, 7, {"acme/*:*": True}, [], [["acme/*:*"]], "", "[]", True),
        pytest.param("[acme/*:*", id="a-list-that-does-not-end"),
        pytest.param("acme/*:*]", id="a-list-that-does-not-begin"),
        pytest.param("[x acme/*:*", id="words-of-a-list-that-does-not-end"),
        pytest.param("x acme/*:*]", id="words-of-a-list-that-does-not-begin"),
        pytest.param("[[acme/*:*]]", id="a-list-in-a-list"),
        pytest.param("[[x acme/*:* y]]", id="words-of-a-list-in-a-list"),
    ],
)
def test_a_claim_of_another_form_grants_nothing(claim: Any) -> None:
    assert Caller.of_claims(a_person(permissions=claim)).grants == frozenset()


def test_a_scope_belongs_to_the_application_and_not_to_its_user() -> None:
    assert not may(a_person(scope="openid acme/function-triggers:execute"), *EXECUTE)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param(a_machine(), id="cognito"),
        pytest.param({"sub": "abc@clients", "azp": "abc", "gty": "client-credentials"}, id="auth0"),
    ],
)
def test_a_scope_counts_for_a_machine_that_got_its_own_token(claims: dict[str, Any]) -> None:
    assert may(claims | {"scope": "acme/function-triggers:execute"}, *EXECUTE)
    assert may(claims | {"scope": "[other acme/function-triggers:execute]"}, *EXECUTE)


def test_a_person_is_no_machine_though_the_client_has_the_same_id() -> None:
    claims = a_person(sub="same", client_id="same", scope="acme/function-triggers:execute")
    assert not may(claims, *EXECUTE)


def test_an_id_token_does_not_count_whatever_it_grants() -> None:
    with pytest.raises(Unauthenticated, match="not an ID token"):
        Caller.of_claims(a_person(token_use="id", permissions=["acme/*:*"]))


@pytest.mark.parametrize("sub", [None, "", 7, ["user"]])
def test_a_token_must_name_its_subject(sub: Any) -> None:
    with pytest.raises(Unauthenticated, match="names no subject"):
        Caller.of_claims({"sub": sub, "permissions": ["acme/*:*"]})


@pytest.mark.parametrize("sub", ["", 7, ["user"]])
def test_a_subject_that_is_none_is_not_its_application(sub: Any) -> None:
    with pytest.raises(Unauthenticated, match="names no subject"):
        Caller.of_claims({"sub": sub, "client_id": "app", "permissions": ["acme/*:*"]})


@pytest.mark.parametrize("client", ["client_id", "cid", "azp", "appid"])
def test_a_token_without_a_subject_is_its_application_s(client: str) -> None:
    caller = Caller.of_claims({client: "night-batch", "permissions": ["acme/*:*"]})
    assert caller == Caller("client:night-batch", frozenset({"acme/*:*"}))


def test_no_claims_are_no_caller() -> None:
    with pytest.raises(Unauthenticated):
        Caller.of_claims({})


def test_the_missing_grant_is_named_though_the_workspace_is_endless() -> None:
    with pytest.raises(Forbidden) as refused:
        Caller.of_claims(a_person()).require("w" * 10_000, "function-runs", "read")
    assert refused.value.message == f"The grant {'w' * 63}/function-runs:read is required."


@pytest.mark.parametrize("hand_over", [dict, through_api_gateway], ids=["as it was", "through API Gateway"])
class TestProviders:
    """Their published tokens, as they are and as API Gateway hands their claims over."""

    @pytest.mark.parametrize("sample", MACHINES)
    def test_the_scopes_of_a_machine_are_its_grants(self, sample: str, hand_over: Any) -> None:
        assert may(hand_over(MACHINES[sample]), *EXECUTE)

    @pytest.mark.parametrize("sample", MACHINES)
    def test_a_machine_is_named_by_its_subject_or_as_a_client(self, sample: str, hand_over: Any) -> None:
        claims = MACHINES[sample]
        assert Caller.of_claims(hand_over(claims)).subject == claims.get("sub", f"client:{claims.get('azp')}")

    @pytest.mark.parametrize("sample", PEOPLE)
    def test_the_scopes_of_an_application_are_not_its_user_s(self, sample: str, hand_over: Any) -> None:
        caller = Caller.of_claims(hand_over(PEOPLE[sample]))
        assert caller == Caller(PEOPLE[sample]["sub"], frozenset())

    @pytest.mark.parametrize("sample", PEOPLE)
    def test_a_person_s_own_permissions_count(self, sample: str, hand_over: Any) -> None:
        assert may(hand_over(PEOPLE[sample] | {"permissions": ["acme/*:*"]}), *EXECUTE)

    @pytest.mark.parametrize("sample", ID_TOKENS)
    def test_an_id_token_is_refused_whatever_it_grants(self, sample: str, hand_over: Any) -> None:
        with pytest.raises(Unauthenticated, match="not an ID token"):
            Caller.of_claims(hand_over(ID_TOKENS[sample]))
