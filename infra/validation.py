"""cdk-nag on every production synthesis: a finding without an answer stops the deployment.

Findings about one function are answered in its description, those about one route or rule where it is made. Here are
the answers that concern several.
"""

from typing import cast

from aws_cdk import App, Validations
from aws_cdk.aws_s3 import CfnBucket
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra import nag
from infra.settings import Settings
from infra.stack import FunctionRerunStack
from infra.storage import KEPT, STAGING

_RUNTIME = "The runtime is the Python that this was built and tested with, and Lambda supports it"
_NO_DEAD_LETTERS = (
    "Callers wait, have dead letters of their own or come again a minute later; an alarm tells what on_event has lost"
)
_ANSWERS = {
    "AwsSolutions-COG2": "MFA is offered; a team that requires it sets it on the pool",
    "AwsSolutions-COG8": "The plus tier is billed per user; teams decide on it for their own pool",
    "AwsSolutions-L1": _RUNTIME,
    "Serverless-LambdaLatestVersion": _RUNTIME,
    "Serverless-LambdaDLQ": _NO_DEAD_LETTERS,
    "Serverless-SQSRedrivePolicy": "The queues without a redrive policy are the dead-letter queues",
    "Serverless-LambdaEventSourceMappingDestination": "Failed messages go to the queue's dead-letter queue",
}
_BY_CONTEXT = (
    "Which functions may be invoked is what invokableFunctions in the context says, versions and aliases included"
)
_BY_NAME = "Rules and schedules come and go with triggers; their names begin with the stack's"
_BY_RUN = "Objects come and go with runs; grants differ by the two prefixes"


def validate(app: App, stack: FunctionRerunStack, *, settings: Settings) -> None:
    """Synthesis raises, and prints what is wrong, unless the template passes."""
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    wildcards = {f"AwsSolutions-IAM5[Resource::{pattern}]": why for pattern, why in _patterns(stack, settings).items()}
    nag.answer(stack, {**_ANSWERS, **wildcards})
    nag.answer(
        stack.resources.storage.bucket,
        {
            "AwsSolutions-S1": "What lies there is sealed; "
            "a team that wants to know who reads it turns on CloudTrail's data events"
        },
    )


def _patterns(stack: FunctionRerunStack, settings: Settings) -> dict[str, str]:
    """Why resources in grants are patterns."""
    sources = stack.resources.trigger_sources
    bucket = stack.get_logical_id(cast("CfnBucket", stack.resources.storage.bucket.node.default_child))
    return {
        "*": "X-Ray and TestEventPattern know no resources",
        _arn("scheduler", f"schedule/{sources.schedule_group}/*"): _BY_NAME,
        _arn("events", f"rule/*/{sources.rule_name}"): _BY_NAME,
        **{f"{pattern}{version}": _BY_CONTEXT for pattern in settings.invokable_patterns for version in ("", ":*")},
        **{f"<{bucket}.Arn>/{prefix}*": _BY_RUN for prefix in (STAGING, KEPT)},
    }


def _arn(service: str, resource: str) -> str:
    return f"arn:<AWS::Partition>:{service}:<AWS::Region>:<AWS::AccountId>:{resource}"
