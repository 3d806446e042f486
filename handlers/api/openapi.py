"""The OpenAPI document, made of the operations.

https://spec.openapis.org/oas/v3.1.1.html
"""

from http import HTTPStatus
from typing import Any, NamedTuple

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import ANY_CONTENT, Grant, Operation, Public
from handlers.api.responses import answer_to, status_of
from handlers.api.schemas import Schema, ref, ref_to, schemas
from handlers.api.views import Error
from handlers.domain import errors
from handlers.domain.identity import WORKSPACE
from handlers.domain.ids import ID_PATTERN
from handlers.domain.starting.idempotency import HEADER

VERSION = "0.1.0"
"""That of pyproject.toml, which is not part of the Lambda functions' code."""
_JSON = "application/json"
_TOKEN = "accessToken"  # noqa: S105 - the name of a scheme
_ABOUT = """\
Records the runs of your Lambda functions and re-runs any of them: same input and same code, or with overrides, or on
today's code.

**Grants.** `x-grant` of an operation is what the caller's token has to permit in the workspace of the path; that of
a parameter, what a request with it needs besides; `x-reveals`, the grant that shows more of the answer. `x-audited` is
the action in the audit.

**Requests** are strict JSON, at most 4.5 MB: unknown fields, `null` for a field that may be left out, and equal keys
are refused with the name of the field. Parameters, overrides and payloads are 4 MB at most, 100 levels deep.

**Pages.** Lists take `limit` and `cursor`: go on with the `meta.nextCursor` of each page (`nextCursor` in a
re-run history) until it is `null`.

**Errors** of the service are an `Error`, whose `code` is for programs. Those of API Gateway, in front of it, are
`{"message"}` alone: no valid token, too many requests, too large a request, no such route, no answer in time.
503 may be tried again after `Retry-After` seconds, 429 after a second or more.
"""
_PATH_PARAMETERS: dict[str, Schema] = {
    "workspace": {"type": "string", "pattern": f"^{WORKSPACE.pattern}$"},
    "path": {"type": "string", "description": "Of one or several segments: its slashes are not encoded."},
}
# What API Gateway answers by itself, by the status.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-troubleshooting-lambda.html
_GATEWAY = {
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Request Too Long",
    HTTPStatus.TOO_MANY_REQUESTS: "Too Many Requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
}
_REQUEST_ID = "JKJaXmPLvHcESHA="
# What an id in a path below this is one of.
_SUBJECTS = {
    "function-runs": "Run",
    "compute-functions": "Function",
    "function-triggers": "Trigger",
    "http-trigger": "Trigger",
    "rerun-batches": "Batch",
}
_GATEWAY_ERROR = {
    "description": "An answer of API Gateway itself, which the request did not pass.",
    "type": "object",
    "properties": {"message": {"type": ["string", "null"]}},
    "required": ["message"],
    "additionalProperties": False,
}


class Login(NamedTuple):
    """Where access tokens come from, and where they go."""

    api_url: str
    issuer: str
    client_id: str = ""
    """The client to log in with; without one, nobody logs in by knowing this document only."""
    audience: tuple[str, ...] = ()
    """For whom tokens have to be made out, if that is not the client."""


def openapi(login: Login) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for each in OPERATIONS:
        paths.setdefault(each.full_path.replace("+}", "}"), {})[each.method.lower()] = _operation(each)
    refused = sorted({error for each in OPERATIONS for error in each.all_refusals}, key=lambda error: error.__name__)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Function Re-run", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": login.api_url}],
        "paths": paths,
        "components": {
            "schemas": schemas() | {"GatewayError": _GATEWAY_ERROR},
            "examples": {error.__name__: {"value": example_of(error)} for error in refused},
            "headers": _HEADERS,
            "securitySchemes": {_TOKEN: _security_scheme(login)},
        },
    }


def example_of(error: type[errors.ServiceError]) -> Schema:
    """An answer with its exact message, or with one of its messages if they differ."""
    return answer_to(error(*error.example), _REQUEST_ID).document()


def _security_scheme(login: Login) -> Schema:
    about = {"x-issuer": login.issuer, "x-client-id": login.client_id, "x-audience": list(login.audience)}
    return {
        "type": "openIdConnect",
        "openIdConnectUrl": f"{login.issuer.removesuffix('/')}/.well-known/openid-configuration",
        "description": "An access token (not an ID token) of this issuer, as `Authorization: Bearer …`.",
        **{name: value for name, value in about.items() if value},
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.path.split("/")[1].removesuffix(".json")],
        "parameters": [*map(_path_parameter, operation.path_parameters), *_parameters(operation)],
        "responses": _responses(operation),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.request is not None:
        described["requestBody"] = _request_body(operation)
    if isinstance(operation.access, Grant):
        described |= {"security": [{_TOKEN: []}], **_needs(operation.access, operation.audited)}
        return described | ({"x-reveals": _needs(*operation.reveals)} if operation.reveals else {})
    return described | {"security": [], "x-access": operation.access.value}


def _needs(grant: Grant | None, audited: str | None) -> Schema:
    return ({"x-grant": f"{{workspace}}/{grant}"} if grant else {}) | ({"x-audited": audited} if audited else {})


def _path_parameter(name: str) -> Schema:
    schema = _PATH_PARAMETERS.get(name, {"type": "string", "pattern": f"^{ID_PATTERN}$"})
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _parameters(operation: Operation) -> list[Schema]:
    return [
        {
            "name": parameter.name,
            "in": place,
            "description": parameter.description,
            "required": parameter.required,
            "schema": parameter.schema,
            **_needs(parameter.grant, parameter.audited),
        }
        for place, parameters in (("query", operation.query), ("header", operation.headers))
        for parameter in parameters
    ]


def _request_body(operation: Operation) -> Schema:
    if operation.request is None or operation.request == ANY_CONTENT:
        return {"description": "Whatever is sent, at most 4.5 MB.", "content": {"*/*": {}}}
    required = any(field.is_required() for field in operation.request.model_fields.values())
    content: Schema = {"schema": ref(operation.request)}
    if operation.example:
        content["example"] = operation.example
    return {"required": required, "content": {_JSON: content}}


def _responses(operation: Operation) -> Schema:
    responses: Schema = {}
    for status, view in operation.responses.items():
        names = (*(view.headers if view else ()), "Cache-Control")
        headers = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        about = ((view and view.__doc__) or status.phrase).strip()
        example = {"example": operation.answer} if operation.answer else {}
        content = {"content": {_JSON: {"schema": ref(view), **example}}} if view else {}
        responses[str(status.value)] = {"description": about, "headers": headers, **content}
    by_status: dict[HTTPStatus, list[type[errors.ServiceError]]] = {}
    for error in operation.all_refusals:
        by_status.setdefault(status_of(error), []).append(error)
    for status in sorted({*by_status, *_from_gateway(operation)}):
        refusals, from_gateway = by_status.get(status, []), status in _from_gateway(operation)
        responses[str(status.value)] = _refusal(operation, status, refusals, from_gateway)
    return responses


def _from_gateway(operation: Operation) -> set[HTTPStatus]:
    never = set() if operation.needs_token else {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return _GATEWAY.keys() - never - (set() if operation.request else {HTTPStatus.REQUEST_ENTITY_TOO_LARGE})


def _example(error: type[errors.ServiceError], operation: Operation) -> Schema:
    """The shared one, unless this operation would never answer that."""
    subject = _SUBJECTS.get(operation.path.split("/")[1], "")
    own: dict[type[errors.ServiceError], tuple[str, ...]] = {
        errors.Forbidden: (f"acme/{operation.access}",),
        # Where a run that is not there has an answer of its own, it is a function that is named.
        errors.NotFound: ("Function" if errors.RunNotFound in operation.refusals else subject,),
        errors.NameTaken: (subject.lower(),),
    }
    if isinstance(operation.access, Public):
        own[errors.InvalidRequest] = (HEADER, "must be 1 to 255 printable ASCII characters, a new UUID for example.")
    arguments = own.get(error, error.example)
    if arguments == error.example:
        return {"$ref": f"#/components/examples/{error.__name__}"}
    return {"value": answer_to(error(*arguments), _REQUEST_ID).document()}


def _refusal(
    operation: Operation, status: HTTPStatus, refusals: list[type[errors.ServiceError]], from_gateway: bool
) -> Schema:
    codes = list(dict.fromkeys(error.code for error in refusals))
    shapes: list[Schema] = []
    examples: Schema = {error.__name__: _example(error, operation) for error in refusals}
    if codes:
        shapes.append({"allOf": [ref(Error), {"properties": {"code": {"enum": codes}}}]})
    if from_gateway:
        shapes.append(ref_to("GatewayError"))
        examples["GatewayError"] = {"value": {"message": _GATEWAY[status]}}
    described: Schema = {
        "description": ", ".join(codes) or f"{status.phrase}: API Gateway's own answer",
        "content": {_JSON: {"schema": shapes[0] if len(shapes) == 1 else {"oneOf": shapes}, "examples": examples}},
    }
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        described["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return described


_HEADERS = {
    "Cache-Control": {"schema": {"type": "string"}, "description": "`no-store`, but for this document itself."},
    "ETag": {"schema": {"type": "string"}, "description": "The version, which a PUT sends as If-Match."},
    "Location": {"schema": {"type": "string"}, "description": "The path of the new run or batch."},
    "Retry-After": {
        "schema": {"type": "integer"},
        "description": "Seconds. API Gateway's own answers come without it.",
    },
}
