"""cdk-nag on every production synthesis: what it finds stops the deployment, but for what is answered for here."""

from typing import cast

from aws_cdk import Acknowledgment, App, Validations
from aws_cdk.aws_s3 import CfnBucket
from cdk_nag import AwsSolutionsChecks, ServerlessChecks
from constructs import IConstruct

from infra.settings import Settings
from infra.stack import FunctionRerunStack
from infra.storage import KEPT, STAGING

_RUNTIME = "The runtime is the Python that this was built and tested with, and Lambda supports it"
_NO_DEAD_LETTERS = (
    "Callers wait, have dead letters of their own or come again a minute later; an alarm tells what on_event has lost"
)

ANSWERED_FOR = {
    "AwsSolutions::AwsSolutions-COG2": "MFA is offered; a team that requires it sets it on the pool",
    "AwsSolutions::AwsSolutions-COG8": "The plus tier is billed per user; teams decide on it for their own pool",
    "AwsSolutions::AwsSolutions-IAM5[Resource::*]": "X-Ray and TestEventPattern know no resources",
    "AwsSolutions::AwsSolutions-L1": _RUNTIME,
    "Serverless::Serverless-LambdaLatestVersion": _RUNTIME,
    "Serverless::Serverless-LambdaDLQ": _NO_DEAD_LETTERS,
    "Serverless::Serverless-SQSRedrivePolicy": "The queues without a redrive policy are the dead-letter queues",
    "Serverless::Serverless-LambdaEventSourceMappingDestination": "Failed messages go to the queue's dead-letter queue",
}
_BY_CONTEXT = (
    "Which functions may be invoked is what invokableFunctions in the context says, versions and aliases included"
)
_BY_NAME = "Rules and schedules come and go with triggers; their names begin with the stack's"
_BY_RUN = "Objects come and go with runs; the two prefixes tell who may do what with them"


def _own(service: str, resource: str) -> str:
    arn = f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:{resource}"
    return f"AwsSolutions::AwsSolutions-IAM5[Resource::{arn}]"


def _answered_for_one(stack: FunctionRerunStack) -> list[tuple[IConstruct, str, str]]:
    """Construct, finding and answer, where a second construct of the kind would need an answer of its own."""
    missed_sweeps = "What a sweep of versions missed has its turn a month later"
    for_anybody = "Webhooks have no token: api_webhooks verifies their signatures"
    monthly = [] if stack.every_month is None else [stack.every_month]
    return [
        *((rule, "Serverless::Serverless-EventBusDLQ", missed_sweeps) for rule in monthly),
        *((route, "AwsSolutions::AwsSolutions-APIG4", for_anybody) for route in stack.api.public.values()),
        (
            stack.on_event,
            "Serverless::Serverless-LambdaAsyncFailureDestination",
            "It would keep events in clear; an alarm tells of losses",
        ),
        (
            stack.every_minute,
            "Serverless::Serverless-EventBusDLQ",
            "The watchdog's next pass, a minute later, makes up for one missed",
        ),
        (
            stack.storage.bucket,
            "AwsSolutions::AwsSolutions-S1",
            "What lies there is sealed; a team that wants to know who reads it turns on CloudTrail's data events",
        ),
        (stack.every_hour, "Serverless::Serverless-EventBusDLQ", "The next hour makes up for one missed"),
        (
            stack.run_failed,
            "Serverless::Serverless-EventBusDLQ",
            "The watchdog tells again of a failure that has not been heeded",
        ),
        (
            stack.on_run_failed,
            "Serverless::Serverless-LambdaAsyncFailureDestination",
            "The watchdog tells again of a failure that has not been heeded",
        ),
    ]


def validate(app: App, stack: FunctionRerunStack, *, settings: Settings) -> None:
    """Synthesis raises, and prints what is wrong, unless the template passes."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    answered = dict(ANSWERED_FOR)
    answered[_own("scheduler", f"schedule/{stack.sources.schedule_group}/*")] = _BY_NAME
    answered[_own("events", f"rule/*/{stack.sources.rule_name}")] = _BY_NAME
    for pattern in settings.invokable_patterns:
        for resource in (pattern, f"{pattern}:*"):
            answered[f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"] = _BY_CONTEXT
    for prefix in (STAGING, KEPT):
        bucket = stack.get_logical_id(cast("CfnBucket", stack.storage.bucket.node.default_child))
        answered[f"AwsSolutions::AwsSolutions-IAM5[Resource::<{bucket}.Arn>/{prefix}*]"] = _BY_RUN
    for finding, reason in answered.items():
        Validations.of(stack).acknowledge(Acknowledgment(id=finding, reason=reason))
    for construct, finding, reason in _answered_for_one(stack):
        Validations.of(construct).acknowledge(Acknowledgment(id=finding, reason=reason))
