"""API Gateway: the claims that an authorizer passes to a Lambda."""

from ministack.services import apigateway

from infra.local.emulator.corrections.rewriting import EmulatorChanged, require


def jwt_claims_might_not_be_strings() -> None:
    """In this version they are. It has to stay so, because the product reads `"[a b]"`."""
    defect = "JWT claims might not be strings"
    expected = {"[a b]": ["a", "b"], "1700000000": 1700000000, "true": True, "text": "text"}
    proxy = apigateway._invoke_lambda_proxy  # noqa: SLF001
    require(defect, proxy, '"claims": {k: _jwt_claim_to_string(v)')
    if any(apigateway._jwt_claim_to_string(claim) != text for text, claim in expected.items()):  # noqa: SLF001
        raise EmulatorChanged(defect)
