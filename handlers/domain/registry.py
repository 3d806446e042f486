"""What a workspace has registered: compute functions, and the triggers that start them."""

from typing import Literal, NamedTuple, Protocol

from handlers.domain.clock import Timestamp
from handlers.domain.function_arns import FunctionCatalogue, InvokablePatterns
from handlers.domain.json_document import JsonObject
from handlers.domain.paging import Page
from handlers.domain.run import Document, ExecutionType
from handlers.domain.seal import Cipher, Label

Kind = Literal["function", "trigger"]


class Registered(Document):
    """What functions and triggers have in common."""

    id: str
    workspace: str
    name: str
    version: int = 1
    """Counts the changes: who changes it says which version they saw."""
    created_at: Timestamp
    updated_at: Timestamp


class ComputeFunction(Registered):
    """A Lambda function under a workspace's name for it."""

    function_arn: str

    def document(self) -> JsonObject:
        return self.model_dump(mode="json", by_alias=True)


class FunctionTrigger(Registered):
    """What starts runs of a function. Its params lie sealed in the same item."""

    function_id: str
    execution_type: ExecutionType
    enabled: bool

    def document(self, params: JsonObject) -> JsonObject:
        return self.summary() | {"triggerMetadata": {"params": params}}

    def summary(self) -> JsonObject:
        """The trigger as it stands in a list: without its params, which may be large and are sealed."""
        return self.model_dump(mode="json", by_alias=True)

    @property
    def params_label(self) -> Label:
        return Label(workspace=self.workspace, owner=f"TRIGGER#{self.id}", part="params")


class StoredTrigger(NamedTuple):
    trigger: FunctionTrigger
    sealed_params: bytes


class Triggers(Protocol):
    def read_trigger(self, trigger_id: str) -> StoredTrigger | None: ...


class Registry(Triggers, Protocol):
    """Where functions and triggers are kept. Every method raises Unavailable when AWS does not answer."""

    def read_function(self, function_id: str) -> ComputeFunction | None: ...

    def add_function(self, function: ComputeFunction) -> None:
        """Raises NameTaken."""

    def add_trigger(self, trigger: FunctionTrigger, sealed_params: bytes) -> None:
        """Raises NameTaken."""

    def change_function(self, before: ComputeFunction, after: ComputeFunction) -> None:
        """Raises NameTaken, or Stale if `before` is no longer what is stored."""

    def change_trigger(self, before: FunctionTrigger, after: FunctionTrigger, sealed_params: bytes) -> None:
        """Raises NameTaken, or Stale if `before` is no longer what is stored."""

    def delete(self, kind: Kind, found: ComputeFunction | FunctionTrigger) -> None: ...

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]:
        """Newest first, and the position to go on from."""

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]:
        """Newest first, and the position to go on from."""


class Registrar(NamedTuple):
    """What registering needs."""

    registry: Registry
    cipher: Cipher
    catalogue: FunctionCatalogue
    invokable: InvokablePatterns
