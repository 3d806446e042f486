"""cdk-nag on every production synthesis: what it finds stops the deployment, but for what is answered for here."""

from aws_cdk import Acknowledgment, App, Stack, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.settings import Settings

_RUNTIME = "python3.13 is what the dependency layer is built for and what the suite was written against"
_NO_DEAD_LETTERS = "Called synchronously, by a queue with dead letters of its own, or again a minute later"

ANSWERED_FOR = {
    "AwsSolutions::AwsSolutions-COG2": "MFA is offered; a team that requires it sets it on the pool",
    "AwsSolutions::AwsSolutions-COG8": "The plus tier is billed per user; teams decide on it for their own pool",
    "AwsSolutions::AwsSolutions-IAM5[Resource::*]": "X-Ray and TestEventPattern know no resources",
    "AwsSolutions::AwsSolutions-APIG4": "Webhooks have no token: api_webhooks verifies their signatures",
    "AwsSolutions::AwsSolutions-L1": _RUNTIME,
    "Serverless::Serverless-LambdaLatestVersion": _RUNTIME,
    "Serverless::Serverless-LambdaDLQ": _NO_DEAD_LETTERS,
    "Serverless::Serverless-SQSRedrivePolicy": "The one queue without a redrive policy is the dead-letter queue",
    "Serverless::Serverless-LambdaEventSourceMappingDestination": "Failed messages go to the queue's dead-letter queue",
    "Serverless::Serverless-LambdaAsyncFailureDestination": "It would keep events in clear; an alarm tells of losses",
    "Serverless::Serverless-EventBusDLQ": "The watchdog's next pass, a minute later, makes up for one missed",
}
_BY_CONTEXT = (
    "Which functions may be invoked is what invokableFunctions in the context says, versions and aliases included"
)


_BY_NAME = "Rules and schedules come and go with triggers; their names begin with the stack's"


def _own(resource: str) -> str:
    service = "scheduler" if resource.startswith("schedule/") else "events"
    arn = f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:{resource}"
    return f"AwsSolutions::AwsSolutions-IAM5[Resource::{arn}]"


def validate(app: App, stack: Stack, *, settings: Settings) -> None:
    """Synthesis raises, and prints what is wrong, unless the template passes."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    answered = dict(ANSWERED_FOR)
    name = stack.stack_name
    answered[_own(f"schedule/{name}-schedules/*")] = _BY_NAME
    for bus in (f"{name}-triggers", *settings.listened_buses):
        answered[_own(f"rule/{name}-*" if bus == "default" else f"rule/{bus}/{name}-*")] = _BY_NAME
    for pattern in settings.invokable_patterns:
        for resource in (pattern, f"{pattern}:*"):
            answered[f"AwsSolutions::AwsSolutions-IAM5[Resource::{resource}]"] = _BY_CONTEXT
    for finding, reason in answered.items():
        Validations.of(stack).acknowledge(Acknowledgment(id=finding, reason=reason))
