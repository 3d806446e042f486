"""Function triggers: create, find, read, list. `trigger_changes` has the rest, `trigger_sync` what AWS follows."""

import uuid
from typing import Annotated, NamedTuple

from pydantic import Field

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest, NotFound
from handlers.domain.ids import parse_id
from handlers.domain.json_document import MAX_INLINE_BYTES, JsonObject, dump, parse_object
from handlers.domain.paging import Page
from handlers.domain.registry import webhook_secrets
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger, open_sealed
from handlers.domain.registry.functions import find_function
from handlers.domain.registry.permissions import check_bus, check_invokable
from handlers.domain.registry.ports import Registry, RegistryDeps
from handlers.domain.registry.retry_policy import RetryPolicy, read_retry_policy
from handlers.domain.registry.trigger_kinds import read_metadata
from handlers.domain.registry.trigger_metadata import METADATA
from handlers.domain.registry.trigger_schemas import SchemaOf, TaggedByExecutionType
from handlers.domain.registry.trigger_sync import add_stored
from handlers.domain.requests import Body, Name, ObjectField
from handlers.domain.runs.run import ExecutionType
from handlers.domain.seal import Cipher

PARAMS = f"{METADATA}.params"


class CreateTrigger(Body, TaggedByExecutionType):
    name: Name
    function_id: str = Field(min_length=1, max_length=64)
    execution_type: ExecutionType = Field(strict=False)
    trigger_metadata: ObjectField = Field(default_factory=dict)
    enabled: bool = True
    retry_policy: Annotated[ObjectField, SchemaOf(lambda: RetryPolicy)] | None = None


class ShownTrigger(NamedTuple):
    """A trigger with its params opened, and the secret of its webhook if it has just been made."""

    trigger: FunctionTrigger
    params: JsonObject
    secret: str | None = None


def create_trigger(workspace: str, request: CreateTrigger, deps: RegistryDeps) -> ShownTrigger:
    """Raises InvalidRequest, FunctionNotPermitted, NameTaken, PathTaken, SourceLimitReached or Unavailable.

    If it raises, no trigger was created.
    """
    metadata, params = read_metadata(request.execution_type, workspace, request.trigger_metadata)
    check_bus(workspace, metadata.other_bus, deps.sources.buses)
    params_text = dump(params, field=PARAMS, limit=MAX_INLINE_BYTES)
    metadata.check_ahead()
    function = _invokable_function(workspace, request.function_id, deps)
    at = clock.now()
    trigger = FunctionTrigger(
        id=str(uuid.uuid4()),
        workspace=workspace,
        name=request.name,
        function_id=function.id,
        metadata=metadata,
        enabled=request.enabled,
        retry_policy=None if request.retry_policy is None else read_retry_policy(request.retry_policy),
        created_at=at,
        updated_at=at,
    )
    deps.sources.check(trigger)
    stored = StoredTrigger(trigger, deps.cipher.seal(params_text, trigger.seal_context("params")))
    stored, secret = webhook_secrets.with_needed_secret(stored, deps.cipher)
    add_stored(stored, deps.registry, deps.sources)
    return ShownTrigger(trigger, params, secret)


def _invokable_function(workspace: str, function_id: str, deps: RegistryDeps) -> ComputeFunction:
    """Raises InvalidRequest or FunctionNotPermitted."""
    try:
        function = find_function(workspace, function_id, deps.registry)
    except NotFound:
        raise InvalidRequest("functionId", "names no function of this workspace.") from None
    check_invokable(function, deps.invokable)
    return function


def find_trigger(workspace: str, trigger_id: str, registry: Registry) -> StoredTrigger:
    """The workspace's trigger. Raises NotFound, also for a trigger of another workspace."""
    known = parse_id(trigger_id)
    return own_trigger(workspace, registry.read_trigger(known) if known else None)


def own_trigger(workspace: str, stored: StoredTrigger | None) -> StoredTrigger:
    """The trigger, if it is one of the workspace and its creation is complete. Raises NotFound."""
    if stored is None or stored.trigger.workspace != workspace or not stored.trigger.confirmed:
        raise NotFound("Trigger")
    return stored


def show_trigger(workspace: str, trigger_id: str, deps: RegistryDeps) -> ShownTrigger:
    """Raises NotFound or TriggerUnreadable."""
    stored = find_trigger(workspace, trigger_id, deps.registry)
    return ShownTrigger(stored.trigger, parse_object(open_params(stored, deps.cipher)))


def list_triggers(workspace: str, page: Page, registry: Registry) -> tuple[list[FunctionTrigger], str | None]:
    """A page of triggers, newest first, and the position to go on from."""
    triggers, position = registry.list_triggers(workspace, page)
    return [trigger for trigger in triggers if trigger.confirmed], position


def open_params(stored: StoredTrigger, cipher: Cipher) -> bytes:
    """The text of a trigger's params. Raises TriggerUnreadable or Unavailable."""
    return open_sealed(stored.sealed_params, stored.trigger.seal_context("params"), cipher)
