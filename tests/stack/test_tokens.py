"""Whose token counts, and for what: the deployed authorizer and the entry points behind it."""

import base64
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local.local_stack import LocalStack
from tests.stack.driver import Caller, Workspace

ABSENT = "00000000-0000-4000-8000-000000000000"
RERUN = f"/function-runs/{ABSENT}/rerun"
# The grant suffices: it is the run that is not there.
GRANTED, FORBIDDEN, UNAUTHENTICATED = "RUN_NOT_FOUND", 403, 401


def unsigned(token: str, **changes: Any) -> str:
    """The token's claims under `alg: none`."""
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    return jwt.encode(claims, key="", algorithm="none")


def resigned(token: str) -> str:
    """The token's own header and claims, signed by somebody else."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": jwt.get_unverified_header(token)["kid"]})


def with_other_claims(token: str, **changes: Any) -> str:
    """Claims exchanged under the old signature."""
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "==")) | changes
    return ".".join([header, base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("="), signature])


def outcome(response: httpx.Response) -> int | str:
    return GRANTED if response.json().get("code") == GRANTED else response.status_code


def test_tokens_that_are_not_to_be_trusted(workspace: Workspace) -> None:
    grant = [f"{workspace.name}/function-triggers:execute"]
    mint, good = workspace.local_stack.token, workspace.local_stack.token("alice", grant)
    tokens = {
        "expired": mint("alice", grant, lifetime_seconds=-60),
        "not valid yet": mint("alice", grant, nbf=4102444800),
        "of another issuer": mint("alice", grant, iss="https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"),
        "for another audience": mint("alice", grant, client_id="another-client"),
        "for no audience": mint("alice", grant, client_id=None),
        "alg none": unsigned(good),
        "alg none, with more grants": unsigned(good, **{"cognito:groups": ["*/*:*"]}),
        "signed by another": resigned(good),
        "with claims exchanged": with_other_claims(good, sub="root"),
        "an ID token": mint("alice", grant, token_use="id"),
        "of unknown use": mint("alice", grant, token_use="refresh"),
        "without its signature": good.rpartition(".")[0] + ".",
        "no token at all": "",
    }
    got = {why: outcome(workspace.with_token(token).post(RERUN)) for why, token in tokens.items()}
    assert got == dict.fromkeys(tokens, UNAUTHENTICATED)
    assert outcome(workspace.with_token(good).post(RERUN)) == GRANTED
    assert outcome(workspace.with_token(mint("alice", grant, sub=None)).post(RERUN)) == GRANTED, "its application's"


def test_what_a_token_grants(workspace: Workspace) -> None:
    name, mint = workspace.name, workspace.local_stack.token
    machine = {"sub": workspace.local_stack.client_id, "username": None}
    enough = f"{name}/function-triggers:execute"
    table: dict[str, tuple[str, int | str]] = {
        "no grants": (mint("a", []), FORBIDDEN),
        "groups absent": (mint("a", [], **{"cognito:groups": None}), FORBIDDEN),
        "the grant": (mint("a", [enough]), GRANTED),
        "among others": (mint("a", ["x", "other/function-triggers:execute", enough]), GRANTED),
        "any action": (mint("a", [f"{name}/function-triggers:*"]), GRANTED),
        "any resource": (mint("a", [f"{name}/*:execute"]), GRANTED),
        "everything": (mint("a", [f"{name}/*:*"]), GRANTED),
        "any workspace": (mint("a", ["*/function-triggers:execute"]), FORBIDDEN),
        "everything everywhere": (mint("a", ["*/*:*", "*"]), FORBIDDEN),
        "part of a workspace": (mint("a", [f"{name[:-1]}*/*:*"]), FORBIDDEN),
        "part of a resource": (mint("a", [f"{name}/function-*:execute"]), FORBIDDEN),
        "part of an action": (mint("a", [f"{name}/function-triggers:exec*"]), FORBIDDEN),
        "another resource": (mint("a", [f"{name}/function-runs:*"]), FORBIDDEN),
        "another action": (mint("a", [f"{name}/function-triggers:read"]), FORBIDDEN),
        "a longer workspace": (mint("a", [f"{name}x/*:*"]), FORBIDDEN),
        "in capitals": (mint("a", [f"{name}/*:*".upper()]), FORBIDDEN),
        "behind a slash": (mint("a", [f"x/{name}/*:*"]), FORBIDDEN),
        "two in one group": (mint("a", [f"other/x:y {name}/*:*"]), GRANTED),
        "permissions, a list": (mint("a", [], permissions=[enough]), GRANTED),
        "permissions, a string": (mint("a", [], permissions=enough), GRANTED),
        "permissions, as API Gateway writes lists": (mint("a", [], permissions=f"[x {enough}]"), GRANTED),
        "a person's scope": (mint("a", [], scope=enough), FORBIDDEN),
        "a machine's scope": (mint("a", [], scope=enough, **machine), GRANTED),
        "a machine's scope for another": (mint("a", [], scope="other/*:*", **machine), FORBIDDEN),
        "a person who claims to be a machine": (mint(workspace.local_stack.client_id, [], scope=enough), FORBIDDEN),
        "scopes of Auth0's machines": (mint("x@clients", [], scope=enough, gty="client-credentials"), GRANTED),
    }
    got = {why: outcome(workspace.with_token(token).post(RERUN)) for why, (token, _) in table.items()}
    assert got == {why: expected for why, (_, expected) in table.items()}


def test_the_path_decides_which_workspace_a_grant_must_name(workspace: Workspace) -> None:
    token = workspace.local_stack.token("alice", [f"{workspace.name}/*:*"])
    for path in (workspace.other().name, "*", f"{workspace.name}%2F", "..", f"{workspace.name}%00", "%2A"):
        caller = Caller(workspace.connection, f"{workspace.local_stack.api_url}/workspace/{path}/api/v1", token)
        assert caller.post(RERUN).status_code in (403, 404), path


@dataclass
class OidcProvider:
    """An issuer that the team runs itself, or buys: discovery, keys, and tokens of its own form."""

    url: str
    key: rsa.RSAPrivateKey

    def token(self, **claims: Any) -> str:
        defaults = {"iss": self.url, "aud": "rerun-api", "sub": "auth0|alice", "exp": 4102444800}
        return jwt.encode(defaults | claims, self.key, algorithm="RS256", headers={"kid": "one"})


@pytest.fixture
def provider() -> Iterator[OidcProvider]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "one", "use": "sig"}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"http://{self.headers['Host']}"
            found = {"issuer": url, "jwks_uri": f"{url}/keys"} if "openid" in self.path else {"keys": [jwk]}
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield OidcProvider(f"http://127.0.0.1:{server.server_address[1]}", key)
        server.shutdown()


def api_trusting(local_stack: LocalStack, issuer: str) -> str:
    """The stack's own Lambda behind an authorizer made as the stack makes it from `issuer` and `audience` in context."""
    api = local_stack.client("apigatewayv2")
    api_id = api.create_api(Name="external", ProtocolType="HTTP")["ApiId"]
    arn = local_stack.client("lambda").get_function(FunctionName="FunctionRerun-api-rerun")["Configuration"][
        "FunctionArn"
    ]
    integration = api.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn, PayloadFormatVersion="2.0"
    )["IntegrationId"]
    authorizer = api.create_authorizer(
        ApiId=api_id,
        AuthorizerType="JWT",
        Name="external",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["rerun-api"]},
    )["AuthorizerId"]
    api.create_route(
        ApiId=api_id,
        RouteKey="POST /workspace/{workspace}/api/v1/function-runs/{runId}/rerun",
        Target=f"integrations/{integration}",
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
    )
    api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return f"{local_stack.emulator.url}/_aws/execute-api/{api_id}/$default"


def test_an_external_providers_access_tokens_count(workspace: Workspace, provider: OidcProvider) -> None:
    base = f"{api_trusting(workspace.local_stack, provider.url)}/workspace/{workspace.name}/api/v1"
    permissions = [f"{workspace.name}/function-triggers:execute"]
    table: dict[str, tuple[str, int | str]] = {
        "permissions": (provider.token(permissions=permissions), GRANTED),
        "audience in a list": (provider.token(permissions=permissions, aud=["x", "rerun-api"]), GRANTED),
        "a machine": (provider.token(scope=permissions[0], gty="client-credentials"), GRANTED),
        "Okta's machine": (provider.token(scope=permissions[0], sub="0oa1", cid="0oa1"), GRANTED),
        "Okta's scopes": (provider.token(scp=permissions, sub="0oa1", cid="0oa1"), GRANTED),
        "Auth0's RFC 9068 profile": (
            provider.token(scope=permissions[0], sub="Zk3m@clients", client_id="Zk3m"),
            GRANTED,
        ),
        "Entra's roles": (provider.token(roles=permissions, idtyp="app", azp="app", sub="principal"), GRANTED),
        "a person's roles": (provider.token(roles=permissions, idtyp="user", azp="app"), FORBIDDEN),
        "Keycloak's service account": (
            provider.token(
                scope=permissions[0], azp="app", client_id="app", preferred_username="service-account-app", typ="Bearer"
            ),
            GRANTED,
        ),
        "a person's scope": (provider.token(scope=permissions[0]), FORBIDDEN),
        "an ID token": (provider.token(permissions=permissions, nonce="n", at_hash="h"), UNAUTHENTICATED),
        "half a list": (provider.token(permissions="[" + permissions[0]), FORBIDDEN),
        "wrong audience": (provider.token(permissions=permissions, aud="another"), UNAUTHENTICATED),
        "wrong issuer": (provider.token(permissions=permissions, iss="https://example.org"), UNAUTHENTICATED),
        "expired": (provider.token(permissions=permissions, exp=1), UNAUTHENTICATED),
        "the stack's own pool": (workspace.local_stack.token("alice", permissions), UNAUTHENTICATED),
    }
    got = {why: outcome(Caller(workspace.connection, base, token).post(RERUN)) for why, (token, _) in table.items()}
    assert got == {why: expected for why, (_, expected) in table.items()}
