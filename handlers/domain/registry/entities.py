"""What a workspace has registered: compute functions, and the triggers that start them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Literal, NamedTuple, Protocol

from pydantic import Field, computed_field, field_serializer, model_validator

from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.json_document import JsonObject
from handlers.domain.paging import Page
from handlers.domain.registry.retry_policy import FIELD as RETRY_POLICY
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.registry.trigger_kinds import stored_metadata
from handlers.domain.registry.trigger_metadata import METADATA, TriggerMetadata
from handlers.domain.runs.run import ExecutionType
from handlers.domain.seal import SealContext

Kind = Literal["function", "trigger"]


class Registered(Document):
    """What functions and triggers have in common."""

    kind: ClassVar[Kind]
    id: str
    workspace: str
    name: str
    version: int = 1
    """Counts the changes: who changes it says which version they saw."""
    created_at: Timestamp
    updated_at: Timestamp


class CaptureFailures(Document):
    """To which trigger the runs belong that are captured from a function's failed asynchronous invocations."""

    trigger_id: str


class ComputeFunction(Registered):
    """A Lambda function under a workspace's name for it."""

    kind: ClassVar[Kind] = "function"
    function_arn: str
    capture_failures: CaptureFailures | None = None

    def document(self) -> JsonObject:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class FunctionTrigger(Registered):
    """What starts runs of a function. Its params, and the secrets of a webhook, lie sealed in the same item."""

    kind: ClassVar[Kind] = "trigger"
    function_id: str
    metadata: TriggerMetadata = Field(alias=METADATA)
    """Its kind, and what that kind says of itself."""
    enabled: bool
    retry_policy: RetryPolicy | None = None
    confirmed: bool = True
    """False until its creation is complete. A trigger that was never confirmed counts as none: nobody was shown it."""
    locked_until: Timestamp | None = None
    """While its schedule or rule is being changed: until when nobody else may change it."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def execution_type(self) -> ExecutionType:
        """The tag of its metadata."""
        return self.metadata.execution_type

    @model_validator(mode="before")
    @classmethod
    def _read_by_its_tag(cls, stored: dict[str, Any]) -> dict[str, Any]:
        if isinstance(stored.get(METADATA), dict):
            return stored | {METADATA: stored_metadata(stored["executionType"], stored[METADATA])}
        return stored

    @field_serializer("metadata")
    def _stored_metadata(self, metadata: TriggerMetadata) -> JsonObject:
        return metadata.item()

    def document(self, params: JsonObject) -> JsonObject:
        return self.summary() | {METADATA: {"params": params, **self.metadata.document()}}

    def summary(self) -> JsonObject:
        """The trigger as it stands in a list: without its params, which may be large and are sealed."""
        plain = self.model_dump(mode="json", by_alias=True, exclude=_NOT_SHOWN)
        if self.retry_policy is None:
            del plain[RETRY_POLICY]
        return plain | {METADATA: self.metadata.document()}

    @property
    def needs_sync(self) -> bool:
        """Whether an AWS service has to follow it."""
        return self.metadata.aws_service is not None

    @property
    def params_context(self) -> SealContext:
        return self._context("params")

    @property
    def secrets_context(self) -> SealContext:
        return self._context("secrets")

    def _context(self, part: str) -> SealContext:
        return SealContext(workspace=self.workspace, owner=f"TRIGGER#{self.id}", part=part)


_NOT_SHOWN = {"metadata", "confirmed", "locked_until"}


class StoredTrigger(NamedTuple):
    trigger: FunctionTrigger
    sealed_params: bytes
    sealed_secrets: bytes | None = None


class Triggers(Protocol):
    def read_trigger(self, trigger_id: str) -> StoredTrigger | None: ...


class Registry(Triggers, Protocol):
    """Where functions and triggers are kept. Every method raises Unavailable when AWS does not answer."""

    def read_function(self, function_id: str) -> ComputeFunction | None: ...

    def add_function(self, function: ComputeFunction) -> None:
        """Raises NameTaken."""

    def add_trigger(self, trigger: StoredTrigger) -> None:
        """Raises NameTaken or PathTaken."""

    def change_function(self, before: ComputeFunction, after: ComputeFunction) -> None:
        """Raises NameTaken, or Stale if `before` is no longer what is stored."""

    def change_trigger(self, before: FunctionTrigger, after: StoredTrigger) -> None:
        """Raises NameTaken, PathTaken, or Stale if `before` is no longer what is stored."""

    def lock_trigger(self, before: FunctionTrigger, until: datetime) -> FunctionTrigger:
        """The trigger as one that is being changed until then. Raises Stale if `before` is no longer what is stored."""

    def unfinished_triggers(self) -> Iterator[StoredTrigger]:
        """Those whose change was begun and neither finished nor undone in its time."""

    def delete(self, found: ComputeFunction | FunctionTrigger) -> None:
        """Raises Stale if `found` is no longer what is stored. Nothing happens if it is gone."""

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]:
        """Newest first, and the position to go on from."""

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]:
        """Newest first, and the position to go on from."""
