"""What registering needs of the outside. Every method raises Unavailable when AWS does not answer."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple, Protocol

from handlers.domain.audit.act import Act
from handlers.domain.function_arns import FunctionCatalogue, InvokablePatterns
from handlers.domain.paging import Page
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.trigger_sources import TriggerSources
from handlers.domain.seal import Cipher


class FunctionReader(Protocol):
    def read_function(self, function_id: str) -> ComputeFunction | None: ...


class Registry(FunctionReader, Protocol):
    """Lists are pages, newest first, each with the position to go on from.

    An act is what somebody did to make the change: one is not stored without the other. A repair has none.
    """

    def read_trigger(self, trigger_id: str) -> StoredTrigger | None: ...

    def list_functions(self, workspace: str, page: Page) -> tuple[list[ComputeFunction], str | None]: ...

    def list_triggers(self, workspace: str, page: Page) -> tuple[list[FunctionTrigger], str | None]: ...

    def add_function(self, function: ComputeFunction, act: Act | None = None) -> None:
        """Raises NameTaken."""

    def add_trigger(self, trigger: StoredTrigger, act: Act | None = None) -> None:
        """Raises NameTaken or PathTaken."""

    def change_function(self, before: ComputeFunction, after: ComputeFunction, act: Act | None = None) -> None:
        """Raises NameTaken, or Stale if `before` is no longer what is stored."""

    def change_trigger(self, before: FunctionTrigger, after: StoredTrigger, act: Act | None = None) -> None:
        """Raises NameTaken, PathTaken, or Stale if `before` is no longer what is stored."""

    def lock_trigger(self, before: FunctionTrigger, until: datetime) -> FunctionTrigger:
        """The trigger as one that is being changed until then. Raises Stale if `before` is no longer what is stored."""

    def unfinished_triggers(self) -> Iterator[StoredTrigger]:
        """Those whose change was begun and neither finished nor undone in its time."""

    def delete(self, found: ComputeFunction | FunctionTrigger, act: Act | None = None) -> None:
        """Raises Stale if `found` is no longer what is stored. Nothing happens if it is gone."""


class RegistryDeps(NamedTuple):
    registry: Registry
    cipher: Cipher
    catalogue: FunctionCatalogue
    invokable: InvokablePatterns
    sources: TriggerSources
