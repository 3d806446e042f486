import json
import time
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from infra.local import tokens
from infra.local.emulator.process import REGION, Emulator, unproxied
from tests.infra.local.functions import MakeFunction

CLAIMS_TELLER = """
def handler(event, context):
    return event["requestContext"]["authorizer"]["jwt"]["claims"]
"""


@dataclass(frozen=True)
class Api:
    emulator: Emulator
    url: str
    user_pool_id: str
    client_id: str

    def token(self, **more: Any) -> str:
        grants = ["acme/function-runs:read", "acme/*:*"]
        return tokens.mint(self.emulator, self.user_pool_id, self.client_id, "alice", grants, **more)

    def get(self, token: str | None) -> tuple[int, dict[str, str]]:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        with unproxied() as http:
            response = http.get(self.url, headers=headers)
        answered: dict[str, str] = json.loads(response.text)
        return response.status_code, answered


@pytest.fixture(scope="module")
def api(emulator: Emulator, a_function: MakeFunction) -> Api:
    cognito, gateway = emulator.client("cognito-idp"), emulator.client("apigatewayv2")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app")["UserPoolClient"]["ClientId"]
    api_id = gateway.create_api(Name="api", ProtocolType="HTTP")["ApiId"]
    authorizer = gateway.create_authorizer(
        ApiId=api_id,
        Name="jwt",
        AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}", "Audience": [client]},
    )["AuthorizerId"]
    integration = gateway.create_integration(
        ApiId=api_id,
        IntegrationType="AWS_PROXY",
        IntegrationUri=a_function(CLAIMS_TELLER).arn,
        PayloadFormatVersion="2.0",
    )["IntegrationId"]
    gateway.create_route(
        ApiId=api_id,
        RouteKey="GET /claims",
        AuthorizationType="JWT",
        AuthorizerId=authorizer,
        Target=f"integrations/{integration}",
    )
    gateway.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    return Api(emulator, f"{emulator.url}/_aws/execute-api/{api_id}/$default/claims", pool, client)


def test_a_minted_token_is_accepted_and_its_claims_arrive_as_api_gateway_writes_them(api: Api) -> None:
    status, claims = api.get(api.token(level=3, verified=True))
    assert status == 200
    assert claims["sub"] == claims["username"] == "alice"
    assert claims["cognito:groups"] == "[acme/function-runs:read acme/*:*]"
    assert claims["token_use"] == "access"
    assert claims["client_id"] == api.client_id
    assert (claims["level"], claims["verified"]) == ("3", "true")
    assert claims["exp"] == str(int(claims["iat"]) + 3600)


def test_a_request_without_a_token_is_refused(api: Api) -> None:
    assert api.get(None)[0] == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"lifetime_seconds": -1},
        {"iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"},
        {"client_id": "another"},
        {"nbf": int(time.time()) + 3600},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_token_with_a_wrong_claim_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert api.get(api.token(**wrong))[0] == 401


def test_a_token_of_another_key_is_refused(api: Api) -> None:
    genuine = api.token()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    claims = jwt.decode(genuine, options={"verify_signature": False})
    headers = {"kid": jwt.get_unverified_header(genuine)["kid"]}
    assert api.get(jwt.encode(claims, key, algorithm="RS256", headers=headers))[0] == 401


def test_a_claim_overridden_with_none_is_left_out(api: Api) -> None:
    assert "username" not in api.get(api.token(username=None))[1]
