"""Function triggers: create, read, change, delete. `trigger_sync` has what an AWS service follows."""

import uuid
from typing import Annotated, NamedTuple

from pydantic import Field

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.errors import InvalidRequest, NotFound
from handlers.domain.ids import parse_id
from handlers.domain.json_document import MAX_INLINE_BYTES, JsonObject, dump, parse_object
from handlers.domain.optimistic_locking import check_version
from handlers.domain.paging import Page
from handlers.domain.registry import webhook_secrets
from handlers.domain.registry.changes import as_it_is_now, check_fixed, without
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger, open_sealed
from handlers.domain.registry.event_driven import BUS_FIELD
from handlers.domain.registry.functions import find_function
from handlers.domain.registry.permissions import check_bus, check_changed_trigger, check_invokable
from handlers.domain.registry.ports import Registry, RegistryDeps
from handlers.domain.registry.retry_policy import FIELD as RETRY_POLICY
from handlers.domain.registry.retry_policy import RetryPolicy, read_retry_policy
from handlers.domain.registry.trigger_kinds import KINDS, read_metadata
from handlers.domain.registry.trigger_metadata import METADATA
from handlers.domain.registry.trigger_schemas import SchemaOf, TaggedByExecutionType, metadata_of
from handlers.domain.registry.trigger_sync import add_stored, delete_stored, write_change
from handlers.domain.requests import Body, Name, ObjectField
from handlers.domain.runs.run import ExecutionType
from handlers.domain.seal import Cipher

PARAMS = f"{METADATA}.params"


class CreateTrigger(Body, TaggedByExecutionType):
    name: Name
    function_id: str = Field(min_length=1, max_length=64, json_schema_extra={"format": "uuid"})
    execution_type: ExecutionType = Field(strict=False)
    trigger_metadata: ObjectField = Field(default_factory=dict)
    enabled: bool = True
    retry_policy: Annotated[ObjectField, SchemaOf(lambda: RetryPolicy)] | None = None


class ChangeTrigger(Body):
    """What is left out stays as it is; metadata and retry policy are replaced whole."""

    name: Name | None = None
    trigger_metadata: Annotated[ObjectField, SchemaOf(lambda: metadata_of(*KINDS.values()))] | None = None
    enabled: bool | None = None
    retry_policy: Annotated[ObjectField, SchemaOf(lambda: RetryPolicy)] | None = None
    version: int | None = None


class RotateSecret(Body):
    keep_previous: bool = True
    """Whether the secret that was the newest until now stays valid beside the new one."""


class ShownTrigger(NamedTuple):
    """A trigger with its params opened, and the secret of its webhook if it has just been made."""

    trigger: FunctionTrigger
    params: JsonObject
    secret: str | None = None


def create_trigger(workspace: str, request: CreateTrigger, deps: RegistryDeps, *, act: Act) -> ShownTrigger:
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
    add_stored(stored, deps.registry, deps.sources, _on(act, trigger))
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


def change_trigger(
    workspace: str, trigger_id: str, body: JsonObject, deps: RegistryDeps, *, act: Act, if_match: str | None
) -> ShownTrigger:
    """The changed trigger.

    Raises NotFound, InvalidRequest, VersionRequired, Stale, FunctionNotPermitted, NameTaken, PathTaken, BeingChanged or
    SourceLimitReached.
    """
    stored = find_trigger(workspace, trigger_id, deps.registry)
    before = stored.trigger
    if RETRY_POLICY in body and body[RETRY_POLICY] is None:
        problem = 'must not be null. To end retrying, send {"maxRetries": 0}; left out, it stays as it is.'
        raise InvalidRequest(RETRY_POLICY, problem)
    request = ChangeTrigger.read(without(body, before.fixed))
    check_version(before.version, request.version, if_match)
    check_fixed(body, before.fixed)
    after = _next(before).evolve(
        name=request.name or before.name,
        enabled=before.enabled if request.enabled is None else request.enabled,
        retry_policy=before.retry_policy if request.retry_policy is None else read_retry_policy(request.retry_policy),
    )
    if request.trigger_metadata is None:
        # New params may replace what can no longer be read; without new ones they have to be readable.
        changed = stored._replace(trigger=after)
        params = parse_object(open_params(stored, deps.cipher))
    else:
        changed, params = _with_metadata(stored, after, request.trigger_metadata, deps)
    check_changed_trigger(before, changed.trigger, deps)
    changed, secret = webhook_secrets.with_needed_secret(changed, deps.cipher)
    write_change(stored, changed, deps.registry, deps.sources, _on(act, before))
    return ShownTrigger(changed.trigger, params, secret)


def _with_metadata(
    stored: StoredTrigger, after: FunctionTrigger, body: JsonObject, deps: RegistryDeps
) -> tuple[StoredTrigger, JsonObject]:
    before = stored.trigger
    metadata, params = read_metadata(before.execution_type, before.workspace, body)
    if metadata != before.metadata:
        metadata.check_ahead()
    if metadata.other_bus != before.metadata.other_bus:
        raise InvalidRequest(BUS_FIELD, "cannot be changed: create another trigger.")
    after = after.evolve(metadata=metadata)
    deps.sources.check(after)
    sealed = deps.cipher.seal(dump(params, field=PARAMS, limit=MAX_INLINE_BYTES), after.seal_context("params"))
    return stored._replace(trigger=after, sealed_params=sealed), params


def delete_trigger(workspace: str, trigger_id: str, deps: RegistryDeps, *, act: Act) -> None:
    """Its runs stay. Raises NotFound, BeingChanged or Unavailable."""

    def delete() -> None:
        found = find_trigger(workspace, trigger_id, deps.registry).trigger
        delete_stored(found, deps.registry, deps.sources, _on(act, found))

    as_it_is_now(delete)


def rotate_secret(
    workspace: str, trigger_id: str, request: RotateSecret, deps: RegistryDeps, *, act: Act
) -> ShownTrigger:
    """The trigger with its new secret, which is shown this once. The one before it stays valid if asked for.

    Raises NotFound, InvalidRequest, TriggerUnreadable or Stale.
    """
    stored = find_trigger(workspace, trigger_id, deps.registry)
    if not stored.trigger.metadata.needs_secret:
        raise InvalidRequest("triggerId", "names no trigger with signed webhooks.")
    params = parse_object(open_params(stored, deps.cipher))
    secret = webhook_secrets.new_secret()
    # Without the previous one, secrets that can no longer be read may be replaced.
    previous = webhook_secrets.open_all(stored, deps.cipher)[:1] if request.keep_previous else []
    sealed = webhook_secrets.seal([secret, *previous], stored.trigger, deps.cipher)
    changed = stored._replace(trigger=_next(stored.trigger), sealed_secrets=sealed)
    deps.registry.change_trigger(stored.trigger, changed, _on(act, stored.trigger))
    return ShownTrigger(changed.trigger, params, secret)


def _on(act: Act, trigger: FunctionTrigger) -> Act:
    return act.evolve(trigger_id=trigger.id, function_id=trigger.function_id)


def _next(before: FunctionTrigger) -> FunctionTrigger:
    return before.evolve(version=before.version + 1, updated_at=clock.now(), locked_until=None)
