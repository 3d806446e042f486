"""People log in on the pool's own pages, by authorization code and PKCE, and their groups are their grants."""

import base64
import hashlib
import json
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from infra.identity import LOGIN_PORTS
from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace
from tests.stack.hosted_pages import answer_to_login
from tests.stack.own_machine import Machine

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
    page = f"{pages.base_url}/oauth2/authorize?{urlencode(request)}"
    back = urlsplit(answer_to_login(page, person, PASSWORD))
    assert f"{back.scheme}://{back.netloc}{back.path}" == request["redirect_uri"]
    found = parse_qs(back.query)
    assert found["state"] == ["a-state"]
    return found["code"][0]


def redeem(pages: httpx.Client, request: dict[str, str], code: str, verifier: str) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": verifier}
    return pages.post("/oauth2/token", data=form | {name: request[name] for name in ("client_id", "redirect_uri")})


@pytest.fixture
def machine(local_stack: LocalStack, person: str, tmp_path: Path) -> Machine:
    return Machine.of(tmp_path, local_stack, person, PASSWORD)


@pytest.mark.parametrize("port", range(3))
def test_who_logs_in_may_what_the_groups_say(
    machine: Machine, pages: httpx.Client, person: str, workspace: Workspace, *, port: int
) -> None:
    api_url = workspace.local_stack.api_url
    with ExitStack() as taken:
        for number in LOGIN_PORTS[:port]:
            taken.enter_context(socket.create_server(("127.0.0.1", number)))
        logged_in = machine.fnrun("login", api_url)
    assert logged_in.returncode == 0, logged_in.stderr
    assert "callback&scope=openid&state" in logged_in.stderr
    assert f"{LOGIN_PORTS[port]}%2Fcallback" in logged_in.stderr
    shown = json.loads(machine.fnrun("whoami", "--profile", "default", "--output", "json").stdout)
    assert shown["grants"] == {workspace.name: ["function-runs:read"]}
    assert (shown["workspace"], shown["url"]) == (workspace.name, api_url)

    def answer(path: str) -> int:
        token = machine.tokens()["access_token"]
        address = f"{api_url}/workspace/{workspace.name}/api/v1/{path}"
        return pages.get(address, headers={"Authorization": f"Bearer {token}"}).status_code

    assert (answer("function-runs"), answer("compute-functions")) == (200, 403)


def test_a_login_goes_on_after_its_token_has_expired(machine: Machine, local_stack: LocalStack) -> None:
    assert machine.fnrun("login", local_stack.api_url).returncode == 0
    first = machine.tokens()
    kept = {"default " + local_stack.api_url: json.dumps(first | {"expires_at": 0})}
    machine.token_file.write_text(json.dumps(kept))
    assert machine.fnrun("whoami", "--profile", "default").returncode == 0
    renewed = machine.tokens()
    assert renewed["access_token"] != first["access_token"]
    assert renewed["expires_at"] > first["obtained_at"]


def test_an_id_token_is_no_access_token(
    pages: httpx.Client, client: dict[str, Any], person: str, workspace: Workspace
) -> None:
    verifier = secrets.token_urlsafe(48)
    request = request_of(client, client["CallbackURLs"][0], verifier)
    code = code_of(pages, request, person)
    token = redeem(pages, request, code, verifier).json()["id_token"]
    address = f"{workspace.local_stack.api_url}/workspace/{workspace.name}/api/v1/function-runs"
    assert pages.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 401
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
