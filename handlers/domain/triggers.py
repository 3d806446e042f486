"""Function triggers: create, read, change, delete."""

import uuid
from typing import Any, NamedTuple

from pydantic import Field

from handlers.domain import clock
from handlers.domain.changes import check_version, without_unchanged
from handlers.domain.errors import InvalidRequest, Missing, TriggerUnreadable, Unavailable
from handlers.domain.functions import find_function
from handlers.domain.json_document import JsonObject, dump, parse_object
from handlers.domain.paging import Page, list_document
from handlers.domain.registry import FunctionTrigger, Registrar, Registry, StoredTrigger, Triggers
from handlers.domain.requests import Body, Name
from handlers.domain.run import ExecutionType, parse_id
from handlers.domain.seal import Cipher, KeyRefused, SealBroken

_FIXED = {"id", "workspace", "functionId", "executionType", "createdAt", "updatedAt"}


class TriggerMetadata(Body):
    params: dict[str, Any] = Field(default_factory=dict)


class CreateTrigger(Body):
    name: Name
    function_id: str = Field(min_length=1, max_length=64)
    execution_type: str
    trigger_metadata: TriggerMetadata = Field(default_factory=TriggerMetadata)
    enabled: bool = True


class ChangeTrigger(Body):
    """What is left out stays as it is; params are replaced whole."""

    name: Name | None = None
    trigger_metadata: TriggerMetadata | None = None
    enabled: bool | None = None
    version: int | None = None


class ShownTrigger(NamedTuple):
    """A trigger with its params opened."""

    trigger: FunctionTrigger
    params: JsonObject

    def document(self) -> JsonObject:
        return self.trigger.document(self.params)


def create_trigger(workspace: str, asked: CreateTrigger, using: Registrar) -> ShownTrigger:
    """Raises InvalidRequest or NameTaken."""
    if asked.execution_type != ExecutionType.ON_DEMAND:
        raise InvalidRequest("executionType", "must be 'on-demand'.")
    params = asked.trigger_metadata.params
    text = dump(params, field="triggerMetadata.params")
    try:
        function = find_function(workspace, asked.function_id, using.registry)
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
    using.registry.add_trigger(trigger, using.cipher.seal(text, trigger.params_label))
    return ShownTrigger(trigger, params)


def find_trigger(workspace: str, trigger_id: str, registry: Triggers) -> StoredTrigger:
    """The workspace's trigger: another's is as good as none. Raises Missing."""
    known = parse_id(trigger_id)
    stored = registry.read_trigger(known) if known else None
    if stored is None or stored.trigger.workspace != workspace:
        raise Missing("Trigger")
    return stored


def show_trigger(workspace: str, trigger_id: str, using: Registrar) -> ShownTrigger:
    """Raises Missing or TriggerUnreadable."""
    stored = find_trigger(workspace, trigger_id, using.registry)
    return ShownTrigger(stored.trigger, parse_object(open_params(stored, using.cipher)))


def list_triggers(workspace: str, page: Page, registry: Registry) -> JsonObject:
    triggers, position = registry.list_triggers(workspace, page)
    return list_document([trigger.summary() for trigger in triggers], page, position)


def change_trigger(
    workspace: str, trigger_id: str, body: JsonObject, using: Registrar, *, if_match: str | None
) -> ShownTrigger:
    """The changed trigger. Raises Missing, InvalidRequest, VersionRequired, Stale or NameTaken."""
    before, sealed = find_trigger(workspace, trigger_id, using.registry)
    asked = ChangeTrigger.read(without_unchanged(body, before.summary(), _FIXED))
    check_version(before, asked.version, if_match)
    after = before.model_copy(
        update={
            "name": asked.name or before.name,
            "enabled": before.enabled if asked.enabled is None else asked.enabled,
            "version": before.version + 1,
            "updated_at": clock.now(),
        }
    )
    if asked.trigger_metadata is None:
        # New params may replace what can no longer be read; without new ones they have to be readable.
        params = parse_object(open_params(StoredTrigger(before, sealed), using.cipher))
    else:
        params = asked.trigger_metadata.params
        sealed = using.cipher.seal(dump(params, field="triggerMetadata.params"), before.params_label)
    using.registry.change_trigger(before, after, sealed)
    return ShownTrigger(after, params)


def open_params(stored: StoredTrigger, cipher: Cipher) -> bytes:
    """The text of a trigger's params. Raises TriggerUnreadable or Unavailable."""
    try:
        return cipher.open(stored.sealed_params, stored.trigger.params_label)
    except KeyRefused as refused:
        raise Unavailable from refused
    except SealBroken as broken:
        raise TriggerUnreadable from broken


def delete_trigger(workspace: str, trigger_id: str, registry: Registry) -> None:
    """Its runs stay. Raises Missing."""
    registry.delete("trigger", find_trigger(workspace, trigger_id, registry).trigger)
