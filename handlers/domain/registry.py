"""Compute functions and function triggers: what a workspace has registered, and the rules for registering it."""

import re
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field

from handlers.domain.clock import Timestamp
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject
from handlers.domain.requests import Body
from handlers.domain.run import Document, ExecutionType
from handlers.domain.seal import Label

# An executor waits for a function inside its own 15 minutes: this leaves it a minute to record the outcome.
MAX_TIMEOUT_SECONDS = 840

_LAMBDA_ARN = re.compile(
    r"arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:(?P<name>[A-Za-z0-9_-]{1,64})(:(?P<qualifier>[A-Za-z0-9_$-]{1,128}))?"
)


class RegisterFunction(Body):
    name: str = Field(min_length=1, max_length=128)
    function_arn: str = Field(max_length=300)


class CreateTrigger(Body):
    class Metadata(Body):
        params: dict[str, Any] = Field(default_factory=dict)

    name: str = Field(min_length=1, max_length=128)
    function_id: str = Field(min_length=1, max_length=64)
    execution_type: str
    trigger_metadata: Metadata = Field(default_factory=Metadata)
    enabled: bool = True


class ComputeFunction(Document):
    """A Lambda function under a workspace's name for it."""

    id: str
    workspace: str
    name: str
    function_arn: str
    created_at: Timestamp
    updated_at: Timestamp

    def document(self) -> JsonObject:
        return self.model_dump(mode="json", by_alias=True)


class FunctionTrigger(Document):
    """What starts runs of a function. Its params lie sealed in the same item."""

    id: str
    workspace: str
    name: str
    function_id: str
    execution_type: ExecutionType
    enabled: bool
    created_at: Timestamp
    updated_at: Timestamp

    def document(self, params: JsonObject) -> JsonObject:
        return self.model_dump(mode="json", by_alias=True) | {"triggerMetadata": {"params": params}}

    @property
    def params_label(self) -> Label:
        return Label(workspace=self.workspace, owner=f"TRIGGER#{self.id}", part="params")


class StoredTrigger(NamedTuple):
    trigger: FunctionTrigger
    sealed_params: bytes


class FunctionCatalogue(Protocol):
    """What is known of the Lambda functions themselves."""

    def timeout_seconds(self, function_arn: str) -> int | None:
        """The timeout of the function's current code; None if there is no such function, or none we may see."""


Kind = Literal["function", "trigger"]


class InvokablePatterns:
    """Which Lambda functions a workspace may register: ARN patterns by workspace, `*` matching within them.

    The workspace `*` stands for every workspace. The stack's own functions are never among them.
    """

    def __init__(self, patterns: dict[str, list[str]], *, own_functions: str) -> None:
        self._patterns = patterns
        self._own_functions = own_functions

    def allows(self, workspace: str, function_arn: str) -> bool:
        base = base_arn(function_arn)
        if _matches(self._own_functions, base):
            return False
        patterns = [*self._patterns.get(workspace, []), *self._patterns.get("*", [])]
        return any(_matches(pattern, base) for pattern in patterns)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def base_arn(function_arn: str) -> str:
    """A Lambda ARN without its qualifier."""
    return ":".join(function_arn.split(":")[:7])


def qualifier(function_arn: str) -> str | None:
    """The alias or version of a Lambda ARN."""
    parts = function_arn.split(":")
    return parts[7] if len(parts) > 7 else None  # noqa: PLR2004 - the eighth field of a Lambda ARN


def check_function_arn(
    function_arn: str, *, workspace: str, allowed: InvokablePatterns, catalogue: FunctionCatalogue
) -> None:
    """Refuse what could not be run as promised. Raises InvalidRequest naming `functionArn`."""
    match = _LAMBDA_ARN.fullmatch(function_arn)
    if match is None:
        raise InvalidRequest("functionArn", "must be the ARN of a Lambda function, with or without an alias.")
    pinned = match["qualifier"]
    if pinned is not None and (pinned.isdigit() or pinned.startswith("$")):
        raise InvalidRequest("functionArn", "must name the function or an alias of it, not a version.")
    if not allowed.allows(workspace, function_arn):
        raise InvalidRequest(
            "functionArn", "is not a function that this workspace may invoke (see invokableFunctions in the README)."
        )
    timeout = catalogue.timeout_seconds(function_arn)
    if timeout is None:
        raise InvalidRequest("functionArn", "names no function that this service can see.")
    if timeout > MAX_TIMEOUT_SECONDS:
        raise InvalidRequest(
            "functionArn", f"has a timeout of {timeout} s; {MAX_TIMEOUT_SECONDS} s is the most that can be awaited."
        )
