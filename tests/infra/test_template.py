"""What the production template promises as a whole."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aws_cdk
import cfnlint
import pytest
from aws_cdk import Validations
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_apigatewayv2_integrations as integrations
from cdk_nag import AwsSolutionsChecks

from infra.settings import Settings
from infra.stack import FunctionRerunStack
from infra.validation import validate
from tests.infra.template import FUNCTIONS, INVOKABLE, Resource, Stack, Synthesise


def test_the_template_is_clean(stack: Stack, synthesise: Synthesise) -> None:
    # W3005: the CDK writes a DependsOn where a reference says as much already.
    config = cfnlint.ManualArgs(ignore_checks=["W3005"])
    asked_for = {"shareableTestEvents": True, "deleteUnusedVersions": True}
    with_all = synthesise(
        invokableFunctions={"acme": [INVOKABLE]}, otherBuses={"acme": ["default", "orders"]}, **asked_for
    )
    for each in (stack, with_all):
        assert cfnlint.lint(json.dumps(each.template), config=config) == []


def test_cdk_nag_finds_nothing_that_is_not_answered_for(tmp_path: Path) -> None:
    context = {
        "invokableFunctions": {"acme": [INVOKABLE]},
        "otherBuses": {"acme": ["default", "orders"]},
        "shareableTestEvents": True,
        "deleteUnusedVersions": True,
    }
    app = aws_cdk.App(context=context, outdir=str(tmp_path / "out"))
    settings = Settings.of(app.node)
    (tmp_path / "layer").mkdir()
    production = FunctionRerunStack(app, "FunctionRerun", settings=settings, layer_directory=tmp_path / "layer")
    validate(app, production, settings=settings)
    app.synth()


def test_an_answer_of_cdk_nag_is_still_needed(tmp_path: Path) -> None:
    """What nothing answers for stops the synthesis: the check above could fail."""
    app = aws_cdk.App(outdir=str(tmp_path / "out"))
    (tmp_path / "layer").mkdir()
    production = FunctionRerunStack(app, "FunctionRerun", settings=Settings(), layer_directory=tmp_path / "layer")
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    assert production.node.id == "FunctionRerun"
    with pytest.raises(RuntimeError, match="AwsSolutions-IAM5"):
        app.synth()


def test_an_answer_for_one_route_is_none_for_a_second_one_without_authorizer(tmp_path: Path) -> None:
    app = aws_cdk.App(outdir=str(tmp_path / "out"))
    (tmp_path / "layer").mkdir()
    production = FunctionRerunStack(app, "FunctionRerun", settings=Settings(), layer_directory=tmp_path / "layer")
    production.resources.api.http_api.add_routes(
        path="/open",
        methods=[apigateway.HttpMethod.GET],
        integration=integrations.HttpLambdaIntegration("open", production.functions["api_runs"]),
        authorizer=apigateway.HttpNoneAuthorizer(),
    )
    validate(app, production, settings=Settings())
    with pytest.raises(RuntimeError, match="AwsSolutions-APIG4"):
        app.synth()


def test_the_outputs_are_what_callers_need(stack: Stack) -> None:
    identity = {"UserPoolId", "UserPoolClientId", "UserPoolDomain"}
    queues = {"RunQueueUrl", "DeadLetterQueueUrl"}
    sources = {"TriggerBusName", "TriggerBusArn", "ScheduleGroupName"}
    capture = {"CaptureQueueArn", "CaptureQueueUrl", "CaptureDeadLetterQueueUrl"}
    actual = {"ApiUrl", "TableName", "BucketName", "RetentionDays", "InputKeyArn", "OutcomeKeyArn", "LifecycleBusName"}
    assert stack.template["Outputs"].keys() == actual | queues | sources | capture | identity


class TestLocalStack:
    def test_the_local_stack_differs_only_in_what_hurts_on_one_s_own_machine(
        self, stack: Stack, synthesise: Synthesise
    ) -> None:
        local_stack = synthesise(local=True, invokableFunctions={"acme": [INVOKABLE]})
        assert local_stack.template["Outputs"].keys() == stack.template["Outputs"].keys()
        assert _kinds(stack) - _kinds(local_stack) == {
            *("AWS::Lambda::LayerVersion", "AWS::S3::BucketPolicy", "AWS::SQS::QueuePolicy")
        }
        assert _kinds(local_stack) <= _kinds(stack)
        for function in FUNCTIONS:
            of_both = [list(map(_without_context, each.statements(function))) for each in (local_stack, stack)]
            assert of_both[0] == of_both[1]
        assert {each.get("DeletionPolicy", "Delete") for each in _resources(local_stack)} == {"Delete"}


def _without_context(statement: dict[str, Any]) -> dict[str, Any]:
    """The emulator denies what depends on an encryption context."""
    depends = any("kms:EncryptionContext" in name for each in statement.get("Condition", {}).values() for name in each)
    return {name: value for name, value in statement.items() if name != "Condition" or not depends}


def _kinds(stack: Stack) -> set[str]:
    return {each["Type"] for each in _resources(stack)}


def _resources(stack: Stack) -> Iterator[Resource]:
    yield from stack.template["Resources"].values()
