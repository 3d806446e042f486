"""The description of the API, for whoever asks: it names the issuer of tokens, and nothing that is secret."""

from functools import cache
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.api.description import GET_OPENAPI, ApiDescription
from handlers.api.openapi import Login, openapi
from handlers.api.resolver import Resolver, from_gateway
from handlers.api.responses import json_response, to_lambda
from handlers.settings import Settings, check_environment
from handlers.telemetry import entry_point

READS = ("api_url", "issuer", "client_id", "audience")
check_environment(READS)

app = Resolver()
CACHE_CONTROL = "public, max-age=300"


def login_of(settings: Settings) -> Login:
    return Login(settings.api_url, settings.issuer, settings.client_id, tuple(settings.audience))


@cache
def described() -> ApiDescription:
    return ApiDescription.model_validate(openapi(login_of(Settings.from_environment())))


@app.operation(GET_OPENAPI)
def get_openapi() -> Response[Any]:
    return json_response(HTTPStatus.OK, described(), cache_control=CACHE_CONTROL)


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return to_lambda(app.resolve(from_gateway(event), context))
