"""Compute functions and function triggers: register, list, read, change, delete."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.ids import parse_id
from handlers.domain.registry import functions, trigger_changes, triggers
from handlers.domain.registry.changes import etag
from handlers.domain.registry.entities import ComputeFunction
from handlers.http import API, Resolver, json_response
from handlers.log import logger
from handlers.settings import INVOKABLE, SEALING, TRIGGER_SOURCES, check_environment
from handlers.wiring import wiring

READS = ("table_name", *SEALING, *INVOKABLE, *TRIGGER_SOURCES, "delete_unused_versions")
check_environment(READS)

app = Resolver()
FUNCTIONS = "compute-functions"
TRIGGERS = "function-triggers"
FUNCTION_DELETED = (
    "Function deleted. Its runs stay, but can no longer be re-run. "
    "Its triggers start nothing any more: delete them, too."
)
TRIGGER_DELETED = "Trigger deleted. Its runs stay, but can no longer be re-run; those of a disabled trigger can."


def shown(status: HTTPStatus, thing: ComputeFunction | triggers.ShownTrigger) -> Response[Any]:
    document = thing.document()
    return json_response(status, document, ETag=etag(document["version"]))


def deleted(id_: str, message: str) -> Response[Any]:
    return json_response(HTTPStatus.OK, {"id": parse_id(id_), "message": message})


@app.post(f"{API}/{FUNCTIONS}")
def post_function(workspace: str) -> Response[Any]:
    with app.act("register-function", workspace, (FUNCTIONS, "write")) as act:
        request = functions.RegisterFunction.read(app.body())
        registered = functions.register_function(workspace, request, wiring.registry_deps)
        act.line["functionId"] = registered.id
    return shown(HTTPStatus.CREATED, registered)


@app.get(f"{API}/{FUNCTIONS}")
def list_functions(workspace: str) -> Response[Any]:
    app.allow(workspace, FUNCTIONS, "read")
    return json_response(HTTPStatus.OK, functions.list_functions(workspace, app.page(), wiring.registry))


@app.get(f"{API}/{FUNCTIONS}/<function_id>")
def get_function(workspace: str, function_id: str) -> Response[Any]:
    app.allow(workspace, FUNCTIONS, "read")
    return shown(HTTPStatus.OK, functions.find_function(workspace, function_id, wiring.registry))


@app.put(f"{API}/{FUNCTIONS}/<function_id>")
def put_function(workspace: str, function_id: str) -> Response[Any]:
    with app.act("change-function", workspace, (FUNCTIONS, "write"), function_id=function_id):
        changed = functions.change_function(
            workspace, function_id, app.body(), wiring.registry_deps, if_match=app.header("if-match")
        )
    return shown(HTTPStatus.OK, changed)


@app.delete(f"{API}/{FUNCTIONS}/<function_id>")
def delete_function(workspace: str, function_id: str) -> Response[Any]:
    with app.act("delete-function", workspace, (FUNCTIONS, "write"), function_id=function_id):
        functions.delete_function(workspace, function_id, wiring.registry)
    return deleted(function_id, FUNCTION_DELETED)


@app.post(f"{API}/{TRIGGERS}")
def post_trigger(workspace: str) -> Response[Any]:
    with app.act("create-trigger", workspace, (TRIGGERS, "write")) as act:
        request = triggers.CreateTrigger.read(app.body())
        act.line["functionId"] = parse_id(request.function_id)
        made = triggers.create_trigger(workspace, request, wiring.registry_deps)
        act.line["triggerId"] = made.trigger.id
    return shown(HTTPStatus.CREATED, made)


@app.get(f"{API}/{TRIGGERS}")
def list_triggers(workspace: str) -> Response[Any]:
    app.allow(workspace, TRIGGERS, "read")
    return json_response(HTTPStatus.OK, triggers.list_triggers(workspace, app.page(), wiring.registry))


@app.get(f"{API}/{TRIGGERS}/<trigger_id>")
def get_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    app.allow(workspace, TRIGGERS, "read")
    return shown(HTTPStatus.OK, triggers.show_trigger(workspace, trigger_id, wiring.registry_deps))


@app.put(f"{API}/{TRIGGERS}/<trigger_id>")
def put_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    with app.act("change-trigger", workspace, (TRIGGERS, "write"), trigger_id=trigger_id):
        changed = trigger_changes.change_trigger(
            workspace, trigger_id, app.body(), wiring.registry_deps, if_match=app.header("if-match")
        )
    return shown(HTTPStatus.OK, changed)


@app.delete(f"{API}/{TRIGGERS}/<trigger_id>")
def delete_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    with app.act("delete-trigger", workspace, (TRIGGERS, "write"), trigger_id=trigger_id):
        trigger_changes.delete_trigger(workspace, trigger_id, wiring.registry_deps)
    return deleted(trigger_id, TRIGGER_DELETED)


@app.post(f"{API}/{TRIGGERS}/<trigger_id>/rotate-secret")
def post_rotate_secret(workspace: str, trigger_id: str) -> Response[Any]:
    with app.act("rotate-secret", workspace, (TRIGGERS, "write"), trigger_id=trigger_id):
        request = trigger_changes.RotateSecret.read(app.body())
        rotated = trigger_changes.rotate_secret(workspace, trigger_id, request, wiring.registry_deps)
    return shown(HTTPStatus.CREATED, rotated)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.answer(event, context)
