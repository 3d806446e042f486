"""Where a command works: the stack's name, its account and region, and clients for them."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError

from infra.cloudformation import describe, outputs_of
from infra.context import BOOTSTRAP_PARAMETER

# These commands may take minutes, and AWS throttles hundreds of calls in a row now and then.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})
_RETAINED = {"Retain", "RetainExceptOnCreate"}
# The CDK deletes what is left of a first deployment that failed, and creates the stack again.
_NOT_YET_CREATED = {"REVIEW_IN_PROGRESS", "CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}


class Resource(NamedTuple):
    kind: str
    id: str
    is_protected: bool = False
    """From deletion, so that it has to be allowed first."""


class Target(NamedTuple):
    stack: str
    account: str
    partition: str
    region: str
    profile: str | None
    client: Callable[[str], Any]

    @classmethod
    def of(cls, stack: str, *, region: str | None, profile: str | None) -> Self:
        """Whom the credentials belong to. Raises ClientError or BotoCoreError."""
        session = boto3.Session(region_name=region, profile_name=profile)
        if session.region_name is None:
            raise NoRegionError
        identity = session.client("sts", config=PATIENT).get_caller_identity()
        return cls(
            stack=stack,
            account=identity["Account"],
            partition=identity["Arn"].split(":")[1],
            region=session.region_name,
            profile=profile,
            client=lambda service: session.client(service, config=PATIENT),  # type: ignore[call-overload]
        )

    @property
    def on_event_arn(self) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.stack}-on-event"

    @property
    def schedule_group(self) -> str:
        return f"{self.stack}-schedules"

    def is_bootstrapped(self) -> bool:
        ssm = self.client("ssm")
        try:
            ssm.get_parameter(Name=BOOTSTRAP_PARAMETER)
        except ssm.exceptions.ParameterNotFound:
            return False
        return True

    def outputs(self) -> dict[str, str] | None:
        """The outputs of the stack; None if there is no such stack."""
        found = describe(self.client("cloudformation"), self.stack)
        return found and outputs_of(found)

    def was_created(self) -> bool:
        """Whether a deployment of the stack has ever succeeded: before, the next one creates it."""
        found = describe(self.client("cloudformation"), self.stack)
        return found is not None and found["StackStatus"] not in _NOT_YET_CREATED

    def retained(self) -> list[Resource]:
        """What the stack leaves behind when it is deleted."""
        formation = self.client("cloudformation")
        # One whose first change set was never executed (REVIEW_IN_PROGRESS) has no template, and nothing to leave
        # behind: https://github.com/cdklabs/awscdk-v1-stack-finder/issues/273
        body = formation.get_template(StackName=self.stack).get("TemplateBody") or {}
        template = body.get("Resources", {})
        pages = formation.get_paginator("list_stack_resources").paginate(StackName=self.stack)
        resources = (each for page in pages for each in page["StackResourceSummaries"])
        return [
            Resource(each["ResourceType"], each["PhysicalResourceId"], _is_protected(declared))
            for each in resources
            # What a deployment that failed did not come to has no id.
            if each.get("PhysicalResourceId") and each["ResourceStatus"] != "DELETE_COMPLETE"
            if (declared := template.get(each["LogicalResourceId"], {})).get("DeletionPolicy") in _RETAINED
        ]


def _is_protected(declared: Mapping[str, Any]) -> bool:
    properties = declared.get("Properties", {})
    return properties.get("DeletionProtectionEnabled") is True or properties.get("DeletionProtection") == "ACTIVE"
