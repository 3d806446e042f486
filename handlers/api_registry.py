"""Compute functions and function triggers: register, read, delete."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain import registration
from handlers.domain.registry import CreateTrigger, RegisterFunction
from handlers.http import API, Resolver, json_response
from handlers.log import logger
from handlers.wiring import wiring

app = Resolver()
FUNCTIONS = "compute-functions"
TRIGGERS = "function-triggers"


@app.post(f"{API}/compute-functions")
def post_function(workspace: str) -> Response[Any]:
    app.allow(workspace, FUNCTIONS, "write")
    asked = RegisterFunction.read(app.body())
    function = registration.register_function(workspace, asked, wiring.registrar)
    return json_response(HTTPStatus.CREATED, function.document())


@app.get(f"{API}/compute-functions/<function_id>")
def get_function(workspace: str, function_id: str) -> Response[Any]:
    app.allow(workspace, FUNCTIONS, "read")
    return json_response(HTTPStatus.OK, registration.find_function(workspace, function_id, wiring.registrar).document())


@app.delete(f"{API}/compute-functions/<function_id>")
def delete_function(workspace: str, function_id: str) -> Response[Any]:
    app.allow(workspace, FUNCTIONS, "write")
    registration.delete_function(workspace, function_id, wiring.registrar)
    return json_response(HTTPStatus.NO_CONTENT, None)


@app.post(f"{API}/function-triggers")
def post_trigger(workspace: str) -> Response[Any]:
    app.allow(workspace, TRIGGERS, "write")
    asked = CreateTrigger.read(app.body())
    return json_response(HTTPStatus.CREATED, registration.create_trigger(workspace, asked, wiring.registrar))


@app.get(f"{API}/function-triggers/<trigger_id>")
def get_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    app.allow(workspace, TRIGGERS, "read")
    return json_response(HTTPStatus.OK, registration.show_trigger(workspace, trigger_id, wiring.registrar))


@app.delete(f"{API}/function-triggers/<trigger_id>")
def delete_trigger(workspace: str, trigger_id: str) -> Response[Any]:
    app.allow(workspace, TRIGGERS, "write")
    registration.delete_trigger(workspace, trigger_id, wiring.registrar)
    return json_response(HTTPStatus.NO_CONTENT, None)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.answer(event, context)
