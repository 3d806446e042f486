"""What the CDK context decides. Production by default; `local` relaxes what only hurts on a laptop."""

import re
from typing import Any, Self

from aws_cdk.aws_logs import RetentionDays
from constructs import Node
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.alias_generators import to_camel

from handlers.domain.identity import WORKSPACE
from infra.context import STACK_NAME

# Without a qualifier: the stack grants each pattern with and without one.
_FUNCTION_PATTERN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9*-]+:[0-9*]+:function:[A-Za-z0-9_*-]+")
_BUS = re.compile(r"[A-Za-z0-9._/-]{1,256}")
# https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
_DOMAIN_PREFIX = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_RESERVED = re.compile("aws|amazon|cognito")
# Of one authorizer: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
_MAX_AUDIENCES = 50

LOG_RETENTION = {
    1: RetentionDays.ONE_DAY,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    90: RetentionDays.THREE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
    731: RetentionDays.TWO_YEARS,
}


class Settings(BaseModel):
    """Context keys in camelCase; docs/deploy.md explains each."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    stack_name: str = Field(default=STACK_NAME, pattern=r"^[A-Za-z][A-Za-z0-9-]{0,26}$")
    """Begins the names of its functions, buses and rules; a rule's name of 64 has room for so much before an id."""
    invokable_functions: dict[str, list[str]] = Field(default_factory=dict)
    """Lambda ARN patterns by workspace, without qualifier; the workspace `*` stands for all."""
    other_buses: dict[str, list[str]] = Field(default_factory=dict)
    """Event buses by workspace that its triggers may listen to, whole, besides the stack's own trigger bus."""
    trust_trigger_bus_senders: bool = False
    """Whether events of the source `lambda` on the trigger bus are taken for Lambda's own records of failures."""
    issuer: str | None = None
    """The OIDC provider whose access tokens count; the stack's own Cognito user pool without."""
    audience: list[str] = Field(default_factory=list)
    """For whom these tokens are made out. Without an issuer: further clients of the stack's own pool."""
    domain_name: str | None = None
    certificate_arn: str | None = None
    max_concurrent_executions: int = Field(default=100, ge=2, le=1000)
    """How many functions are executed at once, of all workspaces together: the bounds are those of AWS for a queue's
    MaximumConcurrency. Each takes two of the account's concurrency, because its executor waits beside it."""
    max_concurrent_executions_per_workspace: int | None = Field(default=None, ge=1, le=1000)
    """How many of them one workspace may have; all, if nobody says so."""
    retention_days: int = Field(default=90, ge=1, le=3650)
    max_reruns_per_lineage: int = Field(default=1000, ge=1)
    log_retention_days: int = 90
    api_requests_per_second: int = Field(default=200, ge=1)
    webhooks_per_second: int = Field(default=100, ge=1)
    shareable_test_events: bool = False
    """Provision the ready-made test events for the Lambda console: once per account."""
    delete_unused_versions: bool = False
    """Once a month, delete versions published by this service that no kept run names."""
    deletion_protection: bool = False
    """Table and user pool cannot be deleted. For later: a first deployment that fails has to delete them again."""
    user_pool_domain_prefix: str | None = None
    """Where the own user pool's login pages are: unique in the region. Without: made of stack and account."""
    alarm_topic_arn: str | None = None
    """The SNS topic that alarms are sent to."""
    local: bool = False

    @field_validator("invokable_functions")
    @classmethod
    def _are_patterns(cls, invokable: dict[str, list[str]]) -> dict[str, list[str]]:
        for workspace, patterns in invokable.items():
            if workspace != "*" and not WORKSPACE.fullmatch(workspace):
                raise ValueError(f"{workspace!r} is not a workspace: {WORKSPACE.pattern}, or * for all")
            for pattern in patterns:
                if not _FUNCTION_PATTERN.fullmatch(pattern):
                    raise ValueError(f"{pattern!r} is no ARN pattern like arn:aws:lambda:eu-west-1:*:function:orders-*")
        return invokable

    @field_validator("other_buses")
    @classmethod
    def _are_buses(cls, buses: dict[str, list[str]]) -> dict[str, list[str]]:
        for workspace, names in buses.items():
            if not WORKSPACE.fullmatch(workspace):
                raise ValueError(f"{workspace!r} is not a workspace: {WORKSPACE.pattern}")
            for name in names:
                if not _BUS.fullmatch(name):
                    raise ValueError(f"{name!r} is no name of an event bus")
        return buses

    @field_validator("user_pool_domain_prefix")
    @classmethod
    def _is_a_prefix(cls, prefix: str | None) -> str | None:
        if prefix is not None and (not _DOMAIN_PREFIX.fullmatch(prefix) or _RESERVED.search(prefix)):
            raise ValueError(
                f"{prefix!r} is no prefix of a domain: {_DOMAIN_PREFIX.pattern}, without {_RESERVED.pattern}"
            )
        return prefix

    @model_validator(mode="after")
    def _are_whole(self) -> Self:
        if (self.domain_name is None) != (self.certificate_arn is None):
            raise ValueError("domainName and certificateArn belong together")
        if self.issuer is not None and not self.audience:
            raise ValueError("issuer needs an audience: without one every token of the issuer would count")
        if self.user_pool_domain_prefix is None and _RESERVED.search(self.stack_name.lower()):
            raise ValueError(f"userPoolDomainPrefix is needed: the one made of {self.stack_name} is reserved")
        if len(self.audience) + (self.issuer is None) > _MAX_AUDIENCES:
            raise ValueError(f"audience: API Gateway takes {_MAX_AUDIENCES}, the stack's own client included")
        return self

    @field_validator("log_retention_days")
    @classmethod
    def _is_a_period_of_cloudwatch(cls, days: int) -> int:
        if days not in LOG_RETENTION:
            raise ValueError(f"logRetentionDays must be one of {', '.join(map(str, LOG_RETENTION))}")
        return days

    @classmethod
    def of(cls, node: Node) -> Self:
        """Raises ValueError, which names the context key."""
        _refuse_unknown(node, {to_camel(name) for name in cls.model_fields})
        found: dict[str, Any] = {}
        for name in cls.model_fields:
            value = node.try_get_context(to_camel(name))
            if value is not None:
                found[to_camel(name)] = value
        return cls.model_validate(found)

    @property
    def listened_buses(self) -> list[str]:
        return sorted({bus for buses in self.other_buses.values() for bus in buses})

    @property
    def invokable_patterns(self) -> list[str]:
        return sorted({pattern for patterns in self.invokable_functions.values() for pattern in patterns})


def _refuse_unknown(node: Node, known: set[str]) -> None:
    """A misspelt key would leave its default in force, unnoticed. The CDK's own keys are not camelCase."""
    unknown = sorted(key for key in node.get_all_context() if key not in known and not re.search("[-:@/.]", key))
    if unknown:
        raise ValueError(f"unknown in the context: {', '.join(unknown)}. Known are {', '.join(sorted(known))}")
