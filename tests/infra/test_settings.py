"""Which decisions of a team are taken, and which stop the synthesis."""

from typing import Any

import pytest
from pydantic import ValidationError

from infra.settings import Settings
from tests.infra.template import INVOKABLE, Synthesise


class TestSettings:
    @pytest.mark.parametrize(
        "pattern",
        [
            "*",
            "arn:aws:lambda:*",
            "orders-*",
            f"{INVOKABLE}:*",
            f"{INVOKABLE}:live",
            "arn:aws:s3:::bucket",
            "arn:aws:lambda:eu-west-1:acme:function:orders",
            "arn:aws:lambda:eu-west-1:1:function:orders-?",
            f"{INVOKABLE}\n",
            "",
        ],
    )
    def test_what_is_no_pattern_of_functions_is_refused(self, pattern: str) -> None:
        with pytest.raises(ValidationError, match="is no ARN pattern"):
            Settings.model_validate({"invokableFunctions": {"acme": [pattern]}})

    @pytest.mark.parametrize("workspace", ["", "Acme", "acme/x", "-acme", "a" * 64, "acme*", "**"])
    def test_what_is_no_workspace_is_refused(self, workspace: str) -> None:
        with pytest.raises(ValidationError, match="is not a workspace"):
            Settings.model_validate({"invokableFunctions": {workspace: [INVOKABLE]}})

    @pytest.mark.parametrize(
        "invokable",
        [
            {"acme": ["arn:aws:lambda:*:*:function:*"]},
            {"*": [INVOKABLE]},
            {"a": ["arn:aws-cn:lambda:cn-north-1:123456789012:function:f"]},
            {},
        ],
    )
    def test_a_pattern_may_be_as_wide_as_the_team_wants(self, invokable: dict[str, list[str]]) -> None:
        assert Settings.model_validate({"invokableFunctions": invokable}).invokable_functions == invokable

    @pytest.mark.parametrize("workspace", ["*", "", "Acme", "acme/x", "acme*", "a" * 64])
    def test_other_buses_are_for_one_workspace_each(self, workspace: str) -> None:
        with pytest.raises(ValidationError, match="is not a workspace"):
            Settings.model_validate({"otherBuses": {workspace: ["orders"]}})

    @pytest.mark.parametrize(
        "bus", ["", "*", "orders*", "or ders", "arn:aws:events:eu-west-1:1:event-bus/x", "orders\n", "b" * 257]
    )
    def test_what_is_no_event_bus_is_refused(self, bus: str) -> None:
        with pytest.raises(ValidationError, match="is no name of an event bus"):
            Settings.model_validate({"otherBuses": {"acme": [bus]}})

    @pytest.mark.parametrize("bus", ["default", "aws.partner/example.com/1_a", "b" * 256])
    def test_other_buses_have_the_names_that_eventbridge_allows(self, bus: str) -> None:
        assert Settings.model_validate({"otherBuses": {"acme": [bus]}}).listened_buses == [bus]

    @pytest.mark.parametrize(
        "prefix", ["", "Acme", "a_b", "-a", "a-", "a" * 64, "a.b", "my-aws", "amazon", "cognito-x"]
    )
    def test_what_cognito_takes_for_no_prefix_of_a_domain_is_refused(self, prefix: str) -> None:
        with pytest.raises(ValidationError, match="is no prefix of a domain"):
            Settings.model_validate({"userPoolDomainPrefix": prefix})

    @pytest.mark.parametrize("prefix", ["a", "acme-runs-2", "a" * 63])
    def test_a_prefix_of_one_s_own_is_taken(self, prefix: str) -> None:
        assert Settings.model_validate({"userPoolDomainPrefix": prefix}).user_pool_domain_prefix == prefix

    @pytest.mark.parametrize("name", ["", "1st", "a_b", "a" * 28, "Acme\n", "-a"])
    def test_a_stack_has_a_name_that_leaves_room_for_ids_in_those_of_rules(self, name: str) -> None:
        with pytest.raises(ValidationError, match="stackName"):
            Settings.model_validate({"stackName": name})

    def test_a_stack_whose_name_cognito_reserves_needs_a_prefix_of_its_own(self) -> None:
        with pytest.raises(ValidationError, match="userPoolDomainPrefix is needed"):
            Settings.model_validate({"stackName": "Laws"})
        assert Settings.model_validate({"stackName": "Laws", "userPoolDomainPrefix": "acme"}).stack_name == "Laws"

    def test_there_are_none_unless_somebody_says_so(self) -> None:
        assert Settings().other_buses == {}

    @pytest.mark.parametrize("issuer", [None, "https://acme.eu.auth0.com/"])
    def test_no_more_audiences_than_api_gateway_takes(self, issuer: str | None) -> None:
        room = 50 if issuer else 49
        audience = [f"client-{n}" for n in range(room)]
        assert Settings.model_validate({"issuer": issuer, "audience": audience}).audience == audience
        with pytest.raises(ValidationError, match="API Gateway takes 50"):
            Settings.model_validate({"issuer": issuer, "audience": [*audience, "one-more"]})

    def test_webhooks_have_some_rate(self) -> None:
        with pytest.raises(ValidationError, match="webhooksPerSecond"):
            Settings.model_validate({"webhooksPerSecond": 0})

    @pytest.mark.parametrize("executions", [-1, 0, 1, 1001])
    def test_as_few_or_as_many_executions_at_once_as_aws_does_not_know_are_refused(self, executions: int) -> None:
        with pytest.raises(ValidationError, match="maxConcurrentExecutions"):
            Settings.model_validate({"maxConcurrentExecutions": executions})

    @pytest.mark.parametrize("executions", [-1, 0, 1001])
    def test_a_workspace_may_have_some_of_them(self, executions: int) -> None:
        with pytest.raises(ValidationError, match="maxConcurrentExecutionsPerWorkspace"):
            Settings.model_validate({"maxConcurrentExecutionsPerWorkspace": executions})

    def test_an_unknown_key_of_the_context_is_refused(self, synthesise: Synthesise) -> None:
        with pytest.raises(ValueError, match="unknown in the context: retentiondays"):
            synthesise(retentiondays=30)

    def test_a_bad_pattern_stops_the_synthesis(self, synthesise: Synthesise) -> None:
        with pytest.raises(ValidationError, match="invokableFunctions"):
            synthesise(invokableFunctions={"acme": ["*"]})

    def test_a_log_retention_that_cloudwatch_does_not_know_stops_it_too(self, synthesise: Synthesise) -> None:
        with pytest.raises(ValueError, match="logRetentionDays must be one of"):
            synthesise(logRetentionDays=2)

    @pytest.mark.parametrize(
        "half",
        [
            pytest.param({"domainName": "runs.acme.example"}, id="a-domain-without-certificate"),
            pytest.param(
                {"certificateArn": "arn:aws:acm:eu-west-1:1:certificate/x"}, id="a-certificate-without-domain"
            ),
            pytest.param({"issuer": "https://acme.eu.auth0.com/"}, id="an-issuer-without-audience"),
        ],
    )
    def test_half_a_setting_is_refused_and_not_forgotten(self, half: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Settings.model_validate(half)
