"""The HTTP API: which function answers which route, and whose tokens count."""

import json
from collections.abc import Mapping

from aws_cdk import Aws, Fn, RemovalPolicy, Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra import nag
from infra.identity import Identity
from infra.settings import Settings

_ACCESS_LOG = {
    "requestId": "$context.requestId",
    "time": "$context.requestTimeEpoch",
    "route": "$context.routeKey",
    "status": "$context.status",
    "subject": "$context.authorizer.claims.sub",
    "latencyMs": "$context.responseLatency",
    "authorizerError": "$context.authorizer.error",
    "integrationError": "$context.integrationErrorMessage",
}
BASE = "/workspace/{workspace}/api/v1"
WEBHOOKS = "POST /http-trigger/{path+}"
ROUTES = {
    "POST /function-runs/{runId}/rerun": "api_rerun",
    "POST /function-runs/{runId}/cancel": "api_cancel",
    "GET /function-runs/{runId}/rerun-history": "api_runs",
    "GET /function-runs": "api_runs",
    "GET /function-runs/{runId}": "api_runs",
    "POST /compute-functions": "api_registry",
    "GET /compute-functions": "api_registry",
    "GET /compute-functions/{functionId}": "api_registry",
    "PUT /compute-functions/{functionId}": "api_registry",
    "DELETE /compute-functions/{functionId}": "api_registry",
    "POST /function-triggers": "api_registry",
    "GET /function-triggers": "api_registry",
    "GET /function-triggers/{triggerId}": "api_registry",
    "PUT /function-triggers/{triggerId}": "api_registry",
    "DELETE /function-triggers/{triggerId}": "api_registry",
    "POST /function-triggers/{triggerId}/rotate-secret": "api_registry",
    "POST /function-triggers/{triggerId}/execute": "api_triggers",
}


class Api(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        functions: Mapping[str, lambda_.IFunction],
        identity: Identity,
        settings: Settings,
        log_retention: logs.RetentionDays,
        removal_policy: RemovalPolicy,
    ) -> None:
        """`functions` maps the names of entry points to their Lambda functions."""
        super().__init__(scope, name)
        own_client = identity.client.user_pool_client_id
        self.http_api = apigateway.HttpApi(
            self,
            "HttpApi",
            api_name=Stack.of(self).stack_name,
            create_default_stage=False,
            default_authorizer=authorizers.HttpJwtAuthorizer(
                "Jwt",
                settings.issuer or identity.issuer,
                jwt_audience=settings.audience if settings.issuer else [own_client, *settings.audience],
            ),
        )
        for route, module in ROUTES.items():
            self._route(route, functions[module])
        # Its callers have no token.
        self.webhooks = self._route(WEBHOOKS, functions["api_webhooks"], authorizer=apigateway.HttpNoneAuthorizer())
        nag.answer(
            self.webhooks, {"AwsSolutions-APIG4": "Webhooks have no token: api_webhooks verifies their signatures"}
        )
        self._add_stage(settings, log_retention, removal_policy)

    def _route(
        self, route: str, function: lambda_.IFunction, authorizer: apigateway.IHttpRouteAuthorizer | None = None
    ) -> apigateway.HttpRoute:
        method, path = route.split(" ")
        [added] = self.http_api.add_routes(
            path=BASE + path,
            methods=[apigateway.HttpMethod[method]],
            integration=integrations.HttpLambdaIntegration(f"{function.node.id}-integration", function),
            authorizer=authorizer,
        )
        return added

    def _add_stage(self, settings: Settings, log_retention: logs.RetentionDays, removal_policy: RemovalPolicy) -> None:
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=_access_log_name(Stack.of(self)),
            retention=log_retention,
            removal_policy=removal_policy,
        )
        self.stage = apigateway.HttpStage(
            self,
            "Stage",
            http_api=self.http_api,
            stage_name="$default",
            auto_deploy=True,
            throttle=apigateway.ThrottleSettings(
                rate_limit=settings.api_requests_per_second, burst_limit=2 * settings.api_requests_per_second
            ),
            domain_mapping=self._domain(settings),
        )
        resource = self.stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)  # noqa: S101 - what an HttpStage is made of
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(_ACCESS_LOG)
        )
        # Anybody may call this route: it has a rate of its own, so that it cannot use up that of the others.
        resource.route_settings = {
            WEBHOOKS.replace(" ", f" {BASE}"): {
                "ThrottlingRateLimit": settings.webhooks_per_second,
                "ThrottlingBurstLimit": 2 * settings.webhooks_per_second,
            }
        }
        resource.node.add_dependency(self.webhooks)

    def _domain(self, settings: Settings) -> apigateway.DomainMappingOptions | None:
        if settings.domain_name is None or settings.certificate_arn is None:
            return None
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", settings.certificate_arn)
        domain = apigateway.DomainName(self, "DomainName", domain_name=settings.domain_name, certificate=certificate)
        return apigateway.DomainMappingOptions(domain_name=domain)


def _access_log_name(stack: Stack) -> str:
    """Below /aws/vendedlogs/, because API Gateway writes each other group into a policy that holds 5,120 characters.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html#AWS-logs-infrastructure-CWL
    A retained group must not be in the way of the next deployment: the name ends with the first part of the stack's id.
    """
    stack_id = Fn.select(2, Fn.split("/", Aws.STACK_ID))
    return f"/aws/vendedlogs/{stack.stack_name}-api-{Fn.select(0, Fn.split('-', stack_id))}"
