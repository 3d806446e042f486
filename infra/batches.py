"""What drives batches of re-runs: a state machine that waits between the steps of a batch.

It decides nothing, and knows of a batch its id, its generation and how many steps this has taken: all else is in the
table. If an execution fails, or is stopped by hand, the watchdog starts another one, of the next generation.
"""

import json
from typing import Any

from aws_cdk import ArnFormat, Aws, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra import nag
from infra.event_sources import EventSource
from infra.settings import Settings
from infra.vended_logs import vended_log_name

# Longer than the step may take, should Lambda not answer at all.
_STEP_TIMEOUT_SECONDS = 60
# Three minutes of waits at most, beside the attempts themselves. Once the batch is overdue it is the watchdog's turn.
_RETRY = {
    "ErrorEquals": [
        # Of Lambda itself, a throttle among them: https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
        "Lambda.TooManyRequestsException",
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.Unknown",
        "States.Timeout",
        # All of the above but the timeout are this, too, as is whatever the step raises: an outage of DynamoDB passes.
        "States.TaskFailed",
    ],
    "IntervalSeconds": 1,
    "BackoffRate": 2,
    "MaxDelaySeconds": 60,
    "MaxAttempts": 8,
    "JitterStrategy": "FULL",
}


def drive(settings: Settings) -> EventSource:
    """The state machine calls the function: that is a step."""

    def connect(scope: Construct, function: lambda_.Function) -> None:
        Batches(scope, "Batches", settings=settings, step=function)

    return connect


class Batches(Construct):
    """The state machine; `step` is the function that it calls."""

    def __init__(self, scope: Construct, name: str, *, settings: Settings, step: lambda_.IFunction) -> None:
        super().__init__(scope, name)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "states.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID}}
            ),
        )
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[step.function_arn]))
        log_group = logs.LogGroup(
            self,
            "Log",
            log_group_name=vended_log_name(Stack.of(self), "batches"),
            retention=settings.log_retention,
            removal_policy=settings.removal_policy,
        )
        machine = sfn.StateMachine(
            self,
            "StateMachine",
            state_machine_name=state_machine_name(Stack.of(self).stack_name),
            state_machine_type=sfn.StateMachineType.STANDARD,
            definition_body=sfn.DefinitionBody.from_string(json.dumps(_definition())),
            definition_substitutions={"StepArn": step.function_arn},
            role=role,
            logs=sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ERROR, include_execution_data=False),
            tracing_enabled=True,
        )
        nag.answer(
            machine,
            {
                "AwsSolutions-SF1": "What a batch does its steps log; of executions, errors say all. A batch of days "
                "has 18,000 events"
            },
        )


def state_machine_name(stack_name: str) -> str:
    return f"{stack_name}-batches"


def state_machine_arn(stack: Stack) -> str:
    """It is known before the state machine is made: who starts executions is made before it."""
    return stack.format_arn(
        service="states",
        resource="stateMachine",
        resource_name=state_machine_name(stack.stack_name),
        arn_format=ArnFormat.COLON_RESOURCE_NAME,
    )


def _definition() -> dict[str, Any]:
    """Step, look whether it was the last, wait: three transitions, and nine events of an execution's 25,000.

    What a step answers is the next one's input.
    """
    return {
        "Comment": "Waits between the steps of a batch of re-runs, for as long as a step says.",
        "StartAt": "Step",
        "States": {
            "Step": {
                "Type": "Task",
                "Resource": "${StepArn}",
                "TimeoutSeconds": _STEP_TIMEOUT_SECONDS,
                "Retry": [_RETRY],
                "Next": "IsOver",
            },
            "IsOver": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.isOver", "BooleanEquals": True, "Next": "Over"}],
                "Default": "Wait",
            },
            "Wait": {"Type": "Wait", "SecondsPath": "$.waitSeconds", "Next": "Step"},
            "Over": {"Type": "Succeed"},
        },
    }
