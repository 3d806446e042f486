"""People log in on the pool's own pages, by authorization code and PKCE, and their groups are their grants."""

import base64
import hashlib
import re
import secrets
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace

PASSWORD = "Correct-horse-1"


@pytest.fixture
def pages(local_stack: LocalStack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=local_stack.emulator.url, trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def client(local_stack: LocalStack) -> dict[str, Any]:
    """The pool's one client, as Cognito describes it."""
    cognito = local_stack.client("cognito-idp")
    described: dict[str, Any] = cognito.describe_user_pool_client(
        UserPoolId=local_stack.user_pool_id, ClientId=local_stack.client_id
    )["UserPoolClient"]
    return described


@pytest.fixture
def person(local_stack: LocalStack, workspace: Workspace) -> str:
    """May read runs of the workspace, and nothing else."""
    cognito, name = local_stack.client("cognito-idp"), f"{workspace.name}@example.com"
    pool = {"UserPoolId": local_stack.user_pool_id}
    grant = f"{workspace.name}/function-runs:read"
    cognito.admin_create_user(**pool, Username=name, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(**pool, Username=name, Password=PASSWORD, Permanent=True)
    cognito.create_group(**pool, GroupName=grant)
    cognito.admin_add_user_to_group(**pool, Username=name, GroupName=grant)
    return name


def request_of(client: dict[str, Any], callback: str, verifier: str) -> dict[str, str]:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return {
        "response_type": "code",
        "client_id": client["ClientId"],
        "redirect_uri": callback,
        "scope": "openid email",
        "state": "a-state",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }


def code_of(pages: httpx.Client, request: dict[str, str], person: str) -> str:
    """What the pages hand to the callback after the right password."""
    page = pages.get("/oauth2/authorize", params=request)
    assert page.status_code == 200, page.text
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
    fields = {name: unescape(value) for name, value in hidden}
    answer = pages.post("/login", data=fields | {"username": person, "password": PASSWORD})
    back = urlsplit(answer.headers["location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == request["redirect_uri"]
    found = parse_qs(back.query)
    assert found["state"] == ["a-state"]
    return found["code"][0]


def redeem(pages: httpx.Client, request: dict[str, str], code: str, verifier: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    return pages.post("/oauth2/token", data=form | {name: request[name] for name in ("client_id", "redirect_uri")})


@pytest.mark.parametrize("port", range(3))
def test_who_logs_in_may_what_the_groups_say(
    pages: httpx.Client, client: dict[str, Any], person: str, workspace: Workspace, port: int
) -> None:
    verifier = secrets.token_urlsafe(48)
    request = request_of(client, client["CallbackURLs"][port], verifier)
    code = code_of(pages, request, person)
    tokens = redeem(pages, request, code, verifier).json()
    api = f"{workspace.local_stack.api_url}/workspace/{workspace.name}/api/v1"

    def answer(path: str, token: str) -> int:
        return pages.get(f"{api}/{path}", headers={"Authorization": f"Bearer {token}"}).status_code

    assert answer("function-runs", tokens["access_token"]) == 200
    assert answer("compute-functions", tokens["access_token"]) == 403
    assert answer("function-runs", tokens["id_token"]) == 401
    assert redeem(pages, request, code, verifier).status_code == 400


def test_a_code_is_of_no_use_without_its_verifier(pages: httpx.Client, client: dict[str, Any], person: str) -> None:
    request = request_of(client, client["CallbackURLs"][0], secrets.token_urlsafe(48))
    code = code_of(pages, request, person)
    assert redeem(pages, request, code, secrets.token_urlsafe(48)).status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"redirect_uri": "http://127.0.0.1:9999/callback"},
        {"redirect_uri": "https://example.com"},
        {"response_type": "token"},
    ],
)
def test_no_page_leads_elsewhere_or_hands_out_tokens(
    pages: httpx.Client, client: dict[str, Any], changed: dict[str, str]
) -> None:
    request = request_of(client, client["CallbackURLs"][0], secrets.token_urlsafe(48))
    assert pages.get("/oauth2/authorize", params=request).status_code == 200
    assert pages.get("/oauth2/authorize", params=request | changed).status_code == 400
