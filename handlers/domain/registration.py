"""Register, show and delete compute functions and function triggers."""

import uuid
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest, Missing, TriggerUnreadable
from handlers.domain.json_document import JsonObject, dump, parse_object
from handlers.domain.registry import (
    ComputeFunction,
    CreateTrigger,
    FunctionCatalogue,
    FunctionTrigger,
    InvokablePatterns,
    Kind,
    RegisterFunction,
    StoredTrigger,
    check_function_arn,
)
from handlers.domain.run import ExecutionType, parse_id
from handlers.domain.seal import Cipher, SealBroken


class Triggers(Protocol):
    def read_trigger(self, trigger_id: str) -> StoredTrigger | None: ...


class Registry(Triggers, Protocol):
    def read_function(self, function_id: str) -> ComputeFunction | None: ...

    def add_function(self, function: ComputeFunction) -> None:
        """Raises NameTaken."""

    def add_trigger(self, trigger: FunctionTrigger, sealed_params: bytes) -> None:
        """Raises NameTaken."""

    def delete(self, kind: Kind, found: ComputeFunction | FunctionTrigger) -> None: ...


class Registrar(NamedTuple):
    """What registering needs."""

    registry: Registry
    cipher: Cipher
    catalogue: FunctionCatalogue
    invokable: InvokablePatterns


def register_function(workspace: str, asked: RegisterFunction, using: Registrar) -> ComputeFunction:
    """Raises InvalidRequest or NameTaken."""
    check_function_arn(asked.function_arn, workspace=workspace, allowed=using.invokable, catalogue=using.catalogue)
    at = clock.now()
    function = ComputeFunction(
        id=str(uuid.uuid4()),
        workspace=workspace,
        name=asked.name,
        function_arn=asked.function_arn,
        created_at=at,
        updated_at=at,
    )
    using.registry.add_function(function)
    return function


def find_function(workspace: str, function_id: str, using: Registrar) -> ComputeFunction:
    """The workspace's function: another's is as good as none. Raises Missing."""
    known = parse_id(function_id)
    function = using.registry.read_function(known) if known else None
    if function is None or function.workspace != workspace:
        raise Missing("Function")
    return function


def delete_function(workspace: str, function_id: str, using: Registrar) -> None:
    """Its triggers and runs stay. Raises Missing."""
    using.registry.delete("function", find_function(workspace, function_id, using))


def create_trigger(workspace: str, asked: CreateTrigger, using: Registrar) -> JsonObject:
    """The new trigger's document. Raises InvalidRequest or NameTaken."""
    if asked.execution_type != ExecutionType.ON_DEMAND:
        raise InvalidRequest("executionType", "must be 'on-demand'.")
    params = dump(asked.trigger_metadata.params, field="triggerMetadata.params")
    try:
        function = find_function(workspace, asked.function_id, using)
    except Missing:
        raise InvalidRequest("functionId", "names no function of this workspace.") from None
    at = clock.now()
    trigger = FunctionTrigger(
        id=str(uuid.uuid4()),
        workspace=workspace,
        name=asked.name,
        function_id=function.id,
        execution_type=ExecutionType.ON_DEMAND,
        enabled=asked.enabled,
        created_at=at,
        updated_at=at,
    )
    using.registry.add_trigger(trigger, using.cipher.seal(params, trigger.params_label))
    return trigger.document(asked.trigger_metadata.params)


def show_trigger(workspace: str, trigger_id: str, using: Registrar) -> JsonObject:
    """The trigger's document, params opened. Raises Missing."""
    stored = find_trigger(workspace, trigger_id, using.registry)
    params = open_params(stored, using.cipher)
    return stored.trigger.document(parse_object(params))


def open_params(stored: StoredTrigger, cipher: Cipher) -> bytes:
    """The text of a trigger's params. Raises TriggerUnreadable or Unavailable."""
    try:
        return cipher.open(stored.sealed_params, stored.trigger.params_label)
    except SealBroken as broken:
        raise TriggerUnreadable from broken


def delete_trigger(workspace: str, trigger_id: str, using: Registrar) -> None:
    """Its runs stay. Raises Missing."""
    using.registry.delete("trigger", find_trigger(workspace, trigger_id, using.registry).trigger)


def find_trigger(workspace: str, trigger_id: str, registry: Triggers) -> StoredTrigger:
    """The workspace's trigger: another's is as good as none. Raises Missing."""
    known = parse_id(trigger_id)
    stored = registry.read_trigger(known) if known else None
    if stored is None or stored.trigger.workspace != workspace:
        raise Missing("Trigger")
    return stored
