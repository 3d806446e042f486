"""What api_openapi answers: the description of the API itself."""

from http import HTTPStatus

from pydantic import ConfigDict

from handlers.api.operations import Operation, Public
from handlers.api.views import ObjectContent, View


class ApiDescription(View):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")
    openapi: str
    info: ObjectContent
    paths: ObjectContent
    components: ObjectContent


GET_OPENAPI = Operation(
    id="getOpenApi",
    entry_point="api_openapi",
    method="GET",
    path="/openapi.json",
    base="",
    access=Public.NOTHING,
    summary="Read this document",
    description="It names the issuer of access tokens and the client to log in with, so that a login needs the API's "
    "URL only.",
    responses={HTTPStatus.OK: ApiDescription},
)
