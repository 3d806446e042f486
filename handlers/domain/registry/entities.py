"""What a workspace has registered: compute functions, and the triggers that start them."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar, Literal, NamedTuple, Protocol

from handlers.domain.clock import Timestamp, iso
from handlers.domain.document import Document
from handlers.domain.paging import Page
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.registry.trigger_kinds import EventSource, Schedule, Webhook
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

    @property
    def fixed(self) -> dict[str, str]:
        """What no change may touch, by the names and in the form in which it is shown."""
        moments = {"createdAt": iso(self.created_at), "updatedAt": iso(self.updated_at)}
        return {"id": self.id, "workspace": self.workspace, **moments}


class CaptureFailures(Document):
    """To which trigger the runs belong that are captured from a function's failed asynchronous invocations."""

    trigger_id: str


class ComputeFunction(Registered):
    """A Lambda function under a workspace's name for it."""

    kind: ClassVar[Kind] = "function"
    function_arn: str
    capture_failures: CaptureFailures | None = None


class FunctionTrigger(Registered):
    """What starts runs of a function. Its params, and the secrets of a webhook, lie sealed in the same item."""

    kind: ClassVar[Kind] = "trigger"
    function_id: str
    execution_type: ExecutionType
    enabled: bool
    retry_policy: RetryPolicy | None = None
    schedule: Schedule | None = None
    events: EventSource | None = None
    webhook: Webhook | None = None
    confirmed: bool = True
    """False until its creation is complete. What was never confirmed was told to nobody, and is no trigger."""
    locked_until: Timestamp | None = None
    """While its schedule or rule is being changed: until when that change has it to itself."""

    @property
    def fixed(self) -> dict[str, str]:
        return super().fixed | {"functionId": self.function_id, "executionType": self.execution_type}

    @property
    def source(self) -> Schedule | EventSource | Webhook | None:
        """What starts its runs, besides people; None for an on-demand trigger."""
        return self.schedule or self.events or self.webhook

    @property
    def needs_sync(self) -> bool:
        """Whether an AWS service has to know it: EventBridge by a rule, or the scheduler by a schedule."""
        return self.schedule is not None or self.events is not None

    @property
    def params_context(self) -> SealContext:
        return self._context("params")

    @property
    def secrets_context(self) -> SealContext:
        return self._context("secrets")

    def _context(self, part: str) -> SealContext:
        return SealContext(workspace=self.workspace, owner=f"TRIGGER#{self.id}", part=part)


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
