"""Compute functions and function triggers: register, list, read, change, delete."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.functions import (
    DELETE_FUNCTION,
    GET_FUNCTION,
    LIST_FUNCTIONS,
    POST_FUNCTION,
    PUT_FUNCTION,
    FunctionList,
    FunctionView,
)
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.api.triggers import (
    DELETE_TRIGGER,
    GET_TRIGGER,
    LIST_TRIGGERS,
    POST_TRIGGER,
    PUT_TRIGGER,
    ROTATE_SECRET,
    TriggerList,
    TriggerSummary,
    TriggerView,
)
from handlers.api.views import Deleted, PageMeta
from handlers.domain.audit.act import Act
from handlers.domain.ids import parse_id
from handlers.domain.optimistic_locking import etag
from handlers.domain.registry import functions, triggers
from handlers.domain.registry.entities import ComputeFunction
from handlers.settings import INVOKABLE, TRIGGER_SOURCES, check_environment
from handlers.telemetry import entry_point
from handlers.wiring import wiring

READS = ("table_name", "input_key_arn", *INVOKABLE, *TRIGGER_SOURCES, "delete_unused_versions", "audit_retention_days")
check_environment(READS)

app = Resolver()
FUNCTION_DELETED = (
    "Function deleted. Its runs stay, but can no longer be re-run. "
    "Its triggers start nothing any more: delete them, too."
)
TRIGGER_DELETED = "Trigger deleted. Its runs stay, but can no longer be re-run; those of a disabled trigger can."


def shown_function(status: HTTPStatus, function: ComputeFunction) -> Response[Any]:
    return json_response(status, FunctionView.model_validate(function), ETag=etag(function.version))


def shown_trigger(status: HTTPStatus, shown: triggers.ShownTrigger) -> Response[Any]:
    return json_response(status, TriggerView.showing(shown), ETag=etag(shown.trigger.version))


def act() -> Act:
    """What the caller of this request does."""
    return app.permitted.done(wiring.acts_kept_for)


def deleted(id_: str, message: str) -> Response[Any]:
    return json_response(HTTPStatus.OK, Deleted(id=id_.lower(), message=message))


@app.operation(POST_FUNCTION)
def post_function(workspace: str) -> Response[Any]:
    request = functions.RegisterFunction.read(app.body())
    registered = functions.register_function(workspace, request, wiring.registry_deps, act=act())
    app.permitted.line["functionId"] = registered.id
    return shown_function(HTTPStatus.CREATED, registered)


@app.operation(LIST_FUNCTIONS)
def list_functions(workspace: str) -> Response[Any]:
    page = app.page()
    found, position = wiring.registry.list_functions(workspace, page)
    data = [FunctionView.model_validate(function) for function in found]
    return json_response(HTTPStatus.OK, FunctionList(data=data, meta=PageMeta.of(page, position)))


@app.operation(GET_FUNCTION)
def get_function(workspace: str, function_id: str) -> Response[Any]:
    return shown_function(HTTPStatus.OK, functions.find_function(workspace, function_id, wiring.registry))


@app.operation(PUT_FUNCTION)
def put_function(workspace: str, function_id: str) -> Response[Any]:
    changed = functions.change_function(
        workspace, function_id, app.body(), wiring.registry_deps, act=act(), if_match=app.header("if-match")
    )
    return shown_function(HTTPStatus.OK, changed)


@app.operation(DELETE_FUNCTION)
def delete_function(workspace: str, function_id: str) -> Response[Any]:
    functions.delete_function(workspace, function_id, wiring.registry, act=act())
    return deleted(function_id, FUNCTION_DELETED)


@app.operation(POST_TRIGGER)
def post_trigger(workspace: str) -> Response[Any]:
    request = triggers.CreateTrigger.read(app.body())
    app.permitted.line["functionId"] = parse_id(request.function_id)
    made = triggers.create_trigger(workspace, request, wiring.registry_deps, act=act())
    app.permitted.line["triggerId"] = made.trigger.id
    return shown_trigger(HTTPStatus.CREATED, made)


@app.operation(LIST_TRIGGERS)
def list_triggers(workspace: str) -> Response[Any]:
    page = app.page()
    found, position = triggers.list_triggers(workspace, page, wiring.registry)
    data = [TriggerSummary.of(trigger) for trigger in found]
    return json_response(HTTPStatus.OK, TriggerList(data=data, meta=PageMeta.of(page, position)))


@app.operation(GET_TRIGGER)
def get_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    return shown_trigger(HTTPStatus.OK, triggers.show_trigger(workspace, trigger_id, wiring.registry_deps))


@app.operation(PUT_TRIGGER)
def put_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    changed = triggers.change_trigger(
        workspace, trigger_id, app.body(), wiring.registry_deps, act=act(), if_match=app.header("if-match")
    )
    return shown_trigger(HTTPStatus.OK, changed)


@app.operation(DELETE_TRIGGER)
def delete_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    triggers.delete_trigger(workspace, trigger_id, wiring.registry_deps, act=act())
    return deleted(trigger_id, TRIGGER_DELETED)


@app.operation(ROTATE_SECRET)
def post_rotate_secret(workspace: str, trigger_id: str) -> Response[Any]:
    request = triggers.RotateSecret.read(app.body())
    rotated = triggers.rotate_secret(workspace, trigger_id, request, wiring.registry_deps, act=act())
    return shown_trigger(HTTPStatus.CREATED, rotated)


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
