"""What the CDK context decides. Production by default; `laptop` relaxes what only hurts on a laptop."""

import re
from typing import Any, Self

from constructs import Node
from handlers.domain.identity import WORKSPACE
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

# Without a qualifier: the stack grants each pattern with and without one.
_FUNCTION_PATTERN = re.compile(r"arn:aws[a-z-]*:lambda:[a-z0-9*-]+:[0-9*]+:function:[A-Za-z0-9_*-]+")


class Settings(BaseModel):
    """Context keys in camelCase; the README explains each."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    invokable_functions: dict[str, list[str]] = Field(default_factory=dict)
    """Lambda ARN patterns by workspace, without qualifier; the workspace `*` stands for all."""
    issuer: str | None = None
    audience: list[str] = Field(default_factory=list)
    """The OIDC provider whose access tokens count; the stack's own Cognito user pool without."""
    domain_name: str | None = None
    certificate_arn: str | None = None
    retention_days: int = Field(default=90, ge=1, le=3650)
    max_reruns_per_lineage: int = Field(default=1000, ge=1)
    log_retention_days: int = 90
    api_requests_per_second: int = Field(default=200, ge=1)
    laptop: bool = False

    @field_validator("invokable_functions")
    @classmethod
    def _are_patterns(cls, invokable: dict[str, list[str]]) -> dict[str, list[str]]:
        for workspace, patterns in invokable.items():
            if workspace != "*" and not WORKSPACE.fullmatch(workspace):
                raise ValueError(f"{workspace!r} is no workspace: {WORKSPACE.pattern}, or * for all")
            for pattern in patterns:
                if not _FUNCTION_PATTERN.fullmatch(pattern):
                    raise ValueError(f"{pattern!r} is no ARN pattern like arn:aws:lambda:eu-west-1:*:function:orders-*")
        return invokable

    @classmethod
    def of(cls, node: Node) -> Self:
        """Raises pydantic's ValidationError, which names the context key."""
        found: dict[str, Any] = {}
        for name in cls.model_fields:
            value = node.try_get_context(to_camel(name))
            if value is not None:
                found[to_camel(name)] = value
        return cls.model_validate(found)

    @property
    def invokable_patterns(self) -> list[str]:
        return sorted({pattern for patterns in self.invokable_functions.values() for pattern in patterns})
