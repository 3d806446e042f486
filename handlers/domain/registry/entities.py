"""What a workspace has registered: compute functions, and the triggers that start them."""

from typing import ClassVar, Literal, NamedTuple

from handlers.domain.clock import Timestamp, iso
from handlers.domain.document import Document
from handlers.domain.errors import Misconfigured, TriggerUnreadable
from handlers.domain.registry.retry_policy import RetryPolicy
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.runs.run import ExecutionType
from handlers.domain.seal import Cipher, KeyRefused, SealBroken, SealContext

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
    ignore_differences: list[str] | None = None
    """JSON Pointers to what is left out when results of its runs are compared."""


class FunctionTrigger(Registered):
    """What starts runs of a function. Its params, and the secrets of a webhook, lie sealed in the same item."""

    kind: ClassVar[Kind] = "trigger"
    function_id: str
    metadata: TriggerMetadata
    enabled: bool
    retry_policy: RetryPolicy | None = None
    confirmed: bool = True
    """False until its creation is complete. A trigger that was never confirmed counts as none: nobody was shown it."""
    locked_until: Timestamp | None = None
    """While its schedule or rule is being changed: until when nobody else may change it."""

    @property
    def execution_type(self) -> ExecutionType:
        """The tag of its metadata."""
        return self.metadata.execution_type

    @property
    def fixed(self) -> dict[str, str]:
        return super().fixed | {"functionId": self.function_id, "executionType": self.execution_type}

    @property
    def needs_sync(self) -> bool:
        """Whether an AWS service has to follow it."""
        return self.metadata.aws_service is not None

    def seal_context(self, part: Literal["params", "secrets"]) -> SealContext:
        return SealContext(workspace=self.workspace, owner=f"TRIGGER#{self.id}", part=part)


class StoredTrigger(NamedTuple):
    trigger: FunctionTrigger
    sealed_params: bytes
    sealed_secrets: bytes | None = None


def open_sealed(sealed: bytes, seal_context: SealContext, cipher: Cipher) -> bytes:
    """What lies sealed in a trigger: params, or the secrets of a webhook. Raises TriggerUnreadable or Unavailable."""
    try:
        return cipher.open(sealed, seal_context)
    except KeyRefused as refused:
        raise Misconfigured from refused
    except SealBroken as broken:
        raise TriggerUnreadable from broken
