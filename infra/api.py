"""The HTTP API on API Gateway: the routes of its operations, and who may pass at all."""

import json
from collections.abc import Mapping

from aws_cdk import Stack
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import Operation, Public
from infra import nag
from infra.identity import Identity
from infra.settings import Settings
from infra.vended_logs import vended_log_name

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


class Api(Construct):
    def __init__(
        self,
        scope: Construct,
        name: str,
        *,
        identity: Identity,
        settings: Settings,
    ) -> None:
        super().__init__(scope, name)
        self._settings = settings
        own_client = identity.client.user_pool_client_id
        self.http_api = apigateway.HttpApi(
            self,
            "HttpApi",
            api_name=Stack.of(self).stack_name,
            create_default_stage=False,
            default_authorizer=authorizers.HttpJwtAuthorizer(
                "Jwt",
                identity.trusted_issuer,
                jwt_audience=settings.audience if settings.issuer else [own_client, *settings.audience],
            ),
        )
        self._stage = self._add_stage(settings)

    @property
    def url(self) -> str:
        return f"https://{self._settings.domain_name}" if self._settings.domain_name else self.http_api.api_endpoint

    def add_routes(self, functions: Mapping[str, lambda_.IFunction]) -> None:
        """`functions` maps the names of entry points to their Lambda functions."""
        for operation in OPERATIONS:
            route = self._route(operation, functions[operation.entry_point])
            if isinstance(operation.access, Public):
                self._limit(operation.route_key, route)
                nag.answer(route, {"AwsSolutions-APIG4": f"Anybody may call it; asked for: {operation.access.value}"})

    def _limit(self, route_key: str, route: apigateway.HttpRoute) -> None:
        """Anybody may call it: so it has a rate of its own, and cannot use up that of the others."""
        rate = self._settings.webhooks_per_second
        limited = self._stage.route_settings or {}
        self._stage.route_settings = {
            **limited,
            route_key: {"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": 2 * rate},
        }
        self._stage.node.add_dependency(route)

    def _route(self, operation: Operation, function: lambda_.IFunction) -> apigateway.HttpRoute:
        [added] = self.http_api.add_routes(
            path=operation.full_path,
            methods=[apigateway.HttpMethod[operation.method]],
            integration=integrations.HttpLambdaIntegration(f"{function.node.id}-integration", function),
            authorizer=None if operation.needs_token else apigateway.HttpNoneAuthorizer(),
        )
        return added

    def _add_stage(self, settings: Settings) -> apigateway.CfnStage:
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=vended_log_name(Stack.of(self), "api"),
            retention=settings.log_retention,
            removal_policy=settings.removal_policy,
        )
        stage = apigateway.HttpStage(
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
        resource = stage.node.default_child
        assert isinstance(resource, apigateway.CfnStage)  # noqa: S101 - what an HttpStage is made of
        resource.access_log_settings = apigateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=access_log.log_group_arn, format=json.dumps(_ACCESS_LOG)
        )
        return resource

    def _domain(self, settings: Settings) -> apigateway.DomainMappingOptions | None:
        if settings.domain_name is None or settings.certificate_arn is None:
            return None
        certificate = acm.Certificate.from_certificate_arn(self, "Certificate", settings.certificate_arn)
        domain = apigateway.DomainName(self, "DomainName", domain_name=settings.domain_name, certificate=certificate)
        return apigateway.DomainMappingOptions(domain_name=domain)
