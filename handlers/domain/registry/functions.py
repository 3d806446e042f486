"""Compute functions: register, read, change, delete."""

import uuid

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from handlers.domain import clock
from handlers.domain.audit.act import Act
from handlers.domain.errors import InvalidRequest, NotFound
from handlers.domain.function_arns import base_arn, check_function_arn
from handlers.domain.ids import parse_id
from handlers.domain.json_document import JsonObject
from handlers.domain.json_pointers import IgnoredPointers
from handlers.domain.optimistic_locking import check_version
from handlers.domain.registry.changes import as_it_is_now, check_fixed, without
from handlers.domain.registry.entities import CaptureFailures, ComputeFunction
from handlers.domain.registry.permissions import check_invokable
from handlers.domain.registry.ports import FunctionReader, Registry, RegistryDeps
from handlers.domain.requests import Body, Name


class RegisterFunction(Body):
    name: Name
    function_arn: str = Field(max_length=300)
    ignore_differences: IgnoredPointers | None = None


class CaptureBody(Body):
    trigger_id: str | None = Field(default=None, max_length=64, json_schema_extra={"format": "uuid"})

    @field_validator("trigger_id", mode="before")
    @classmethod
    def _is_no_null(cls, value: object) -> object:
        if value is None:
            raise PydanticCustomError("null", "must not be null: leave it out")
        return value


class ChangeFunction(Body):
    """What is left out stays as it is. `captureFailures: {}` ends capturing, `ignoreDifferences: []` ignoring."""

    name: Name | None = None
    function_arn: str | None = Field(default=None, max_length=300)
    capture_failures: CaptureBody | None = None
    ignore_differences: IgnoredPointers | None = None
    version: int | None = None


def register_function(workspace: str, request: RegisterFunction, deps: RegistryDeps, *, act: Act) -> ComputeFunction:
    """Raises InvalidRequest or NameTaken."""
    check_function_arn(request.function_arn, workspace=workspace, allowed=deps.invokable, catalogue=deps.catalogue)
    at = clock.now()
    function = ComputeFunction(
        id=str(uuid.uuid4()),
        workspace=workspace,
        name=request.name,
        function_arn=request.function_arn,
        ignore_differences=request.ignore_differences or None,
        created_at=at,
        updated_at=at,
    )
    deps.registry.add_function(function, act.evolve(function_id=function.id))
    return function


def find_function(workspace: str, function_id: str, registry: FunctionReader) -> ComputeFunction:
    """The workspace's function. Raises NotFound, also for a function of another workspace."""
    known = parse_id(function_id)
    function = registry.read_function(known) if known else None
    if function is None or function.workspace != workspace:
        raise NotFound("Function")
    return function


def change_function(
    workspace: str, function_id: str, body: JsonObject, deps: RegistryDeps, *, act: Act, if_match: str | None
) -> ComputeFunction:
    """The changed function.

    Raises NotFound, InvalidRequest, VersionRequired, Stale, FunctionNotPermitted or NameTaken.
    """
    before = find_function(workspace, function_id, deps.registry)
    request = ChangeFunction.read(without(body, before.fixed))
    check_version(before.version, request.version, if_match)
    check_fixed(body, before.fixed)
    function_arn = request.function_arn or before.function_arn
    if function_arn != before.function_arn:
        if base_arn(function_arn) != base_arn(before.function_arn):
            raise InvalidRequest("functionArn", "may only change to another alias of the same Lambda function.")
        check_function_arn(function_arn, workspace=workspace, allowed=deps.invokable, catalogue=deps.catalogue)
    after = before.evolve(
        name=request.name or before.name,
        function_arn=function_arn,
        capture_failures=_capture(before, request.capture_failures, deps),
        ignore_differences=(
            before.ignore_differences if request.ignore_differences is None else request.ignore_differences or None
        ),
        version=before.version + 1,
        updated_at=clock.now(),
    )
    deps.registry.change_function(before, after, act.evolve(function_id=after.id))
    return after


def _capture(function: ComputeFunction, request: CaptureBody | None, deps: RegistryDeps) -> CaptureFailures | None:
    """The trigger that captured runs belong to from now on. Raises InvalidRequest or FunctionNotPermitted."""
    if request is None:
        return function.capture_failures
    if request.trigger_id is None:
        return None
    if function.capture_failures is not None and request.trigger_id == function.capture_failures.trigger_id:
        return function.capture_failures  # sent back unchanged: allowed even if the trigger was deleted meanwhile
    check_invokable(function, deps.invokable)
    trigger_id = parse_id(request.trigger_id)
    stored = deps.registry.read_trigger(trigger_id) if trigger_id else None
    if stored is None or stored.trigger.function_id != function.id or not stored.trigger.confirmed:
        raise InvalidRequest("captureFailures.triggerId", "names no trigger of this function.")
    return CaptureFailures(trigger_id=stored.trigger.id)


def delete_function(workspace: str, function_id: str, registry: Registry, *, act: Act) -> None:
    """Its triggers and runs stay. Raises NotFound or Unavailable."""

    def delete() -> None:
        function = find_function(workspace, function_id, registry)
        registry.delete(function, act.evolve(function_id=function.id))

    as_it_is_now(delete)
