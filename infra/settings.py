"""The keys of the CDK context: their names, defaults, bounds and texts."""

import re
from typing import Any, Self

from aws_cdk import RemovalPolicy
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
    """The context keys, in camelCase. The docstring of each field is its text in docs/reference/settings.md."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, use_attribute_docstrings=True
    )

    stack_name: str = Field(default=STACK_NAME, pattern=r"^[A-Za-z][A-Za-z0-9-]{0,26}$")
    """The beginning of the names of functions, buses and rules: a letter, then letters, digits and hyphens, up to 27
    characters. `ARGS="--stack …"` of the make commands overrides it."""
    invokable_functions: dict[str, list[str]] = Field(default_factory=dict)
    """The functions that a workspace may register and invoke: Lambda ARN patterns without qualifier, by workspace; the
    workspace `*` stands for all. Without it nothing can be registered. The stack's own functions never can. It can be
    [narrowed](../how-to/operate.md#narrowing-the-context) at any time."""
    other_buses: dict[str, list[str]] = Field(default_factory=dict)
    """The event buses that a workspace's triggers may use besides the stack's trigger bus, by workspace:
    `{"my-workspace": ["default"]}`. Triggers there see all events of the bus. It can be narrowed at any time."""
    trust_trigger_bus_senders: bool = False
    """Whether events of the source `lambda` on the trigger bus are
    [captured failures](../how-to/captured-failures.md#the-trigger-bus-as-destination). Set it only if you trust
    everybody who may put events there: they can then start runs of every function whose failures are captured."""
    issuer: str | None = None
    """The URL of an OIDC provider whose access tokens count *instead of* those of the stack's Cognito user pool
    ([how](../how-to/own-identity-provider.md#with-a-provider-of-your-own)). It needs `audience`."""
    audience: list[str] = Field(default_factory=list)
    """With `issuer`: the identifiers of the API in the provider's tokens, up to 50. Without: the ids of further clients
    of the stack's own user pool, machines for example, up to 49."""
    login_client_id: str | None = None
    """The client of `issuer` with which people log in: `GET /openapi.json` names it to tools that know the API's URL
    only."""
    domain_name: str | None = None
    """A domain of your own for the API. It needs `certificateArn`; its DNS record is yours to add."""
    certificate_arn: str | None = None
    """The certificate of `domainName`."""
    max_concurrent_executions: int = Field(default=100, ge=2, le=1000)
    """How many functions are executed at once, in all workspaces together. Never exceeded; each run uses one slot
    until it ends. Each execution takes *two* of the account's Lambda concurrency, because an executor of 512 MB waits
    beside it. What is beyond it waits in the queue."""
    # The bounds are those of AWS for a queue's MaximumConcurrency.
    max_concurrent_executions_per_workspace: int | None = Field(default=None, ge=1, le=1000)
    """How many of them one workspace may have; no limit by default
    ([how it works](../how-to/deploy.md#a-limit-per-workspace))."""
    retention_days: int = Field(default=90, ge=1, le=3650)
    """How long runs are kept. An original run and its parameters are kept as long as its newest re-run."""
    audit_retention_days: int = Field(default=400, ge=1, le=3650)
    """How long the [audit](../how-to/audit.md) keeps who did what."""
    max_reruns_per_lineage: int = Field(default=1000, ge=1, le=10_000)
    """How many re-runs an original run may have, automatic retries included."""
    require_reason: bool = False
    """Whether a re-run, a batch or an experiment that somebody asks for needs a `reason`. A plan of a re-run
    without one says so among its refusals."""
    log_retention_days: int = 90
    """How long logs are kept: 1, 7, 14, 30, 90, 180, 365 or 731."""
    api_requests_per_second: int = Field(default=200, ge=1)
    """API throttling. Bursts may be twice as large."""
    webhooks_per_second: int = Field(default=100, ge=1)
    """The same for each of the routes that need no token: webhooks, of all workspaces together, and `/openapi.json`."""
    shareable_test_events: bool = False
    """Whether to provide the test events in the Lambda console. Only where the account has no registry
    `lambda-testevent-schemas` yet."""
    delete_unused_versions: bool = False
    """Whether to delete, once a month, the versions that this service published and no kept run names. Only where
    nothing else calls them by number, and no second installation runs the same functions."""
    deletion_protection: bool = False
    """Whether table and user pool are protected from deletion. Not with the first deployment: one that fails could not
    roll back."""
    user_pool_domain_prefix: str | None = None
    """The user pool's login pages are at `https://{prefix}.auth.{region}.amazoncognito.com`. The prefix is unique in
    the region among all customers of AWS. By default it is `{stack}-{account}` in lower case. It is required for a
    stack name that contains `aws`, `amazon` or `cognito`, which AWS reserves."""
    alarm_topic_arn: str | None = None
    """The SNS topic that receives the [alarms](../how-to/operate.md#alarms)."""
    error_group_topic_arn: str | None = None
    """The SNS topic that receives one message when an error group is opened or reopened, however many runs fail. Its
    policy is yours: it has to let
    [EventBridge publish](lifecycle-events.md#one-message-by-sns)."""
    local: bool = False
    """Set by the local stack, whose emulator has no TLS and keeps nothing. Not for AWS."""

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
    def production(self) -> bool:
        return not self.local

    @property
    def removal_policy(self) -> RemovalPolicy:
        """A first deployment that fails leaves nothing behind; what ever held data stays."""
        return RemovalPolicy.DESTROY if self.local else RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE

    @property
    def log_retention(self) -> RetentionDays:
        return LOG_RETENTION[self.log_retention_days]

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
