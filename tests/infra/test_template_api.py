"""Who may call the API of the production template, and how."""

import json

from tests.infra.template import CERTIFICATE, Stack, text

WEBHOOKS = "POST /workspace/{workspace}/api/v1/http-trigger/{path+}"
DESCRIPTION = "GET /openapi.json"


class TestApi:
    def test_there_are_the_routes_of_the_contract_and_of_the_design(self, stack: Stack) -> None:
        routes = {each["Properties"]["RouteKey"] for each in stack.all("AWS::ApiGatewayV2::Route").values()}
        base = "/workspace/{workspace}/api/v1"
        assert {
            f"POST {base}/function-runs/{{runId}}/rerun",
            f"GET {base}/function-runs/{{runId}}/rerun-history",
            f"GET {base}/function-runs/{{runId}}",
            f"POST {base}/compute-functions",
            f"GET {base}/compute-functions/{{functionId}}",
            f"DELETE {base}/compute-functions/{{functionId}}",
            f"POST {base}/function-triggers",
            f"GET {base}/function-triggers/{{triggerId}}",
            f"DELETE {base}/function-triggers/{{triggerId}}",
            f"POST {base}/function-triggers/{{triggerId}}/execute",
        } <= routes

    def test_nobody_passes_without_a_token_but_webhooks_and_who_asks_for_the_api_s_description(
        self, stack: Stack
    ) -> None:
        (authorizer,) = stack.all("AWS::ApiGatewayV2::Authorizer")
        routes = [each["Properties"] for each in stack.all("AWS::ApiGatewayV2::Route").values()]
        for route in routes:
            if route["RouteKey"] in (WEBHOOKS, DESCRIPTION):
                assert (route["AuthorizationType"], route.get("AuthorizerId")) == ("NONE", None)
            else:
                assert route["AuthorizationType"] == "JWT"
                assert route["AuthorizerId"] == {"Ref": authorizer}

    def test_a_route_for_anybody_has_a_rate_of_its_own_once_it_is_there(self, stack: Stack) -> None:
        stage = stack.one("AWS::ApiGatewayV2::Stage")
        rate = {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 200}
        assert stage["Properties"]["RouteSettings"] == {WEBHOOKS: rate, DESCRIPTION: rate}
        routes = stack.all("AWS::ApiGatewayV2::Route").items()
        public = {name for name, each in routes if each["Properties"]["RouteKey"] in (WEBHOOKS, DESCRIPTION)}
        assert public <= {*stage["DependsOn"]}

    def test_tokens_are_those_of_the_stack_s_own_users(self, stack: Stack) -> None:
        (pool,) = stack.all("AWS::Cognito::UserPool")
        (client,) = stack.all("AWS::Cognito::UserPoolClient")
        trusted = stack.one("AWS::ApiGatewayV2::Authorizer")["Properties"]["JwtConfiguration"]
        assert text(trusted["Issuer"]) == f"https://cognito-idp.${{AWS::Region}}.amazonaws.com/${{{pool}}}"
        assert [text(each) for each in trusted["Audience"]] == [f"${{{client}}}"]

    def test_nobody_signs_himself_up(self, stack: Stack) -> None:
        pool = stack.one("AWS::Cognito::UserPool")["Properties"]
        assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}

    def test_people_log_in_by_code_and_pkce_and_in_no_other_way_of_oauth(self, stack: Stack) -> None:
        client = stack.one("AWS::Cognito::UserPoolClient")["Properties"]
        assert client["AllowedOAuthFlows"] == ["code"]
        assert client["AllowedOAuthScopes"] == ["openid", "email"]
        assert client["GenerateSecret"] is False
        assert client["CallbackURLs"] == [f"http://127.0.0.1:{port}/callback" for port in (18250, 28250, 8250)]
        assert client["LogoutURLs"] == [f"http://localhost:{port}/" for port in (18250, 28250, 8250)]
        assert client["SupportedIdentityProviders"] == ["COGNITO"]

    def test_the_login_pages_have_a_domain_that_nobody_else_has(self, stack: Stack, decided: Stack) -> None:
        (domain,) = stack.all("AWS::Cognito::UserPoolDomain").items()
        assert text(domain[1]["Properties"]["Domain"]) == "functionrerun-${AWS::AccountId}"
        domain_url = text(stack.template["Outputs"]["UserPoolDomain"]["Value"])
        assert domain_url == f"https://${{{domain[0]}}}.auth.${{AWS::Region}}.amazoncognito.com"
        assert decided.one("AWS::Cognito::UserPoolDomain")["Properties"]["Domain"] == "acme-runs"

    def test_tokens_may_be_another_issuer_s(self, decided: Stack) -> None:
        trusted = decided.one("AWS::ApiGatewayV2::Authorizer")["Properties"]["JwtConfiguration"]
        assert trusted == {"Issuer": "https://acme.eu.auth0.com/", "Audience": ["https://api.acme.example"]}

    def test_callers_are_throttled(self, stack: Stack, decided: Stack) -> None:
        for each, rate in ((stack, 200), (decided, 5)):
            limits = each.one("AWS::ApiGatewayV2::Stage")["Properties"]["DefaultRouteSettings"]
            assert limits == {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": 2 * rate}

    def test_the_access_log_names_no_token_and_no_path(self, stack: Stack) -> None:
        settings = stack.one("AWS::ApiGatewayV2::Stage")["Properties"]["AccessLogSettings"]
        assert text(settings["DestinationArn"]) in stack.all("AWS::Logs::LogGroup")
        logged = set(json.loads(settings["Format"]).values())
        assert not [each for each in logged if "header" in each.lower() or "querystring" in each.lower()]

    def test_logs_of_aws_s_services_need_no_room_in_an_account_s_policy_of_log_groups(self, stack: Stack) -> None:
        names = {
            text(each["Properties"]["LogGroupName"])
            for each in stack.all("AWS::Logs::LogGroup").values()
            if "LogGroupName" in each["Properties"]
        }
        of_this_stack = "${AWS::StackId}.split(/)[2].split(-)[0]"
        assert names == {f"/aws/vendedlogs/FunctionRerun-{of}-{of_this_stack}" for of in ("api", "batches")}

    def test_api_gateway_may_invoke_a_function_for_its_own_routes_only(self, stack: Stack) -> None:
        permissions = [each["Properties"] for each in stack.all("AWS::Lambda::Permission").values()]
        assert {each["Principal"] for each in permissions} == {"apigateway.amazonaws.com", "events.amazonaws.com"}
        assert all("SourceArn" in each for each in permissions)

    def test_a_domain_of_one_s_own_is_a_matter_of_context(self, stack: Stack, decided: Stack) -> None:
        domain = decided.one("AWS::ApiGatewayV2::DomainName")["Properties"]
        assert domain["DomainName"] == "runs.acme.example"
        assert [each["CertificateArn"] for each in domain["DomainNameConfigurations"]] == [CERTIFICATE]
        assert decided.one("AWS::ApiGatewayV2::ApiMapping")["Properties"]["Stage"]
        assert not stack.all("AWS::ApiGatewayV2::DomainName")

    def test_the_description_names_the_stack_s_own_address_issuer_and_client(
        self, stack: Stack, decided: Stack
    ) -> None:
        (api,), (pool,) = stack.all("AWS::ApiGatewayV2::Api"), stack.all("AWS::Cognito::UserPool")
        (client,) = stack.all("AWS::Cognito::UserPoolClient")
        told = {name: text(value) for name, value in stack.variables("api_openapi").items()}
        assert told["RERUN_API_URL"] == text(stack.template["Outputs"]["ApiUrl"]["Value"]) == f"${{{api}.ApiEndpoint}}"
        assert told["RERUN_ISSUER"] == f"https://cognito-idp.${{AWS::Region}}.amazonaws.com/${{{pool}}}"
        assert (told["RERUN_CLIENT_ID"], told["RERUN_AUDIENCE"]) == (f"${{{client}}}", "[]")
        of_others = decided.variables("api_openapi")
        assert of_others["RERUN_API_URL"] == "https://runs.acme.example"
        assert of_others["RERUN_ISSUER"] == "https://acme.eu.auth0.com/"
        assert (of_others["RERUN_CLIENT_ID"], of_others["RERUN_AUDIENCE"]) == (
            "a-login-client",
            '["https://api.acme.example"]',
        )
