"""API Gateway: the address of an API, and the claims that an authorizer passes to a Lambda."""

from ministack.services import apigateway
from ministack.services.cloudformation import provisioners

from infra.local.emulator.corrections.rewriting import EmulatorChanged, require, rewrite_function


def an_api_s_endpoint_does_not_resolve() -> None:
    """CloudFormation's attribute is `{id}.execute-api.127.0.0.1`, which no resolver knows: give the path instead."""
    rewrite_function(
        "an API's endpoint does not resolve",
        provisioners,
        "_apigw_v2_api_create",
        {
            "{api_id}.execute-api.{_MINISTACK_HOST}:{os.environ.get('GATEWAY_PORT', '4566')}\"": "{_MINISTACK_HOST}:"
            "{os.environ.get('GATEWAY_PORT', '4566')}/_aws/execute-api/{api_id}/$default\""
        },
    )
    handlers = provisioners._RESOURCE_HANDLERS["AWS::ApiGatewayV2::Api"]  # noqa: SLF001
    handlers["create"] = provisioners._apigw_v2_api_create  # noqa: SLF001


def jwt_claims_might_not_be_strings() -> None:
    """In this version they are. It has to stay so, because the product reads `"[a b]"`."""
    defect = "JWT claims might not be strings"
    expected = {"[a b]": ["a", "b"], "1700000000": 1700000000, "true": True, "text": "text"}
    proxy = apigateway._invoke_lambda_proxy  # noqa: SLF001
    require(defect, proxy, '"claims": {k: _jwt_claim_to_string(v)')
    if any(apigateway._jwt_claim_to_string(claim) != text for text, claim in expected.items()):  # noqa: SLF001
        raise EmulatorChanged(defect)
