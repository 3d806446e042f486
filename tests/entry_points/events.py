"""Requests as API Gateway hands them to an entry point, and what the entry point answers."""

import base64
import json
from importlib import import_module
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, settings

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import BASE
from tests.documented import check_answer

ABSENT = "00000000-0000-4000-8000-00000000dead"
OWN = "acme"
PATH = "orders/new"
Event = dict[str, Any]
Json = Any

# The entry point of each route, whose path is below the base if it has one.
ROUTES: dict[str, Any] = {
    f"{each.method} {each.full_path.removeprefix(BASE)}": import_module(f"handlers.{each.entry_point}")
    for each in OPERATIONS
}

RERUN, EXECUTE = "POST /function-runs/{runId}/rerun", "POST /function-triggers/{triggerId}/execute"
FUNCTION, TRIGGER = "POST /compute-functions", "POST /function-triggers"
RUN, RUNS, HISTORY = "GET /function-runs/{runId}", "GET /function-runs", "GET /function-runs/{runId}/rerun-history"
AUDIT = "GET /audit"
GROUPS, GROUP = "GET /error-groups", "GET /error-groups/{errorGroupId}"
PUT_GROUP = "PUT /error-groups/{errorGroupId}"
COMPARE = "GET /function-runs/{runId}/compare"

WEBHOOK = "POST /http-trigger/{path+}"
DESCRIPTION = "/openapi.json"

WITH_AN_ID = [route for route in ROUTES if "Id}" in route]


def fuzzed(examples: int) -> settings:
    """The same examples each time; with the profile of `make proof` ten times as many, and other ones each time."""
    is_long = settings.get_current_profile_name() == "long"
    return settings(
        deadline=None,
        derandomize=not is_long,
        max_examples=examples * 10 if is_long else examples,
        suppress_health_check=[HealthCheck.too_slow],
    )


class Context:
    """What Lambda tells a handler about its invocation."""

    function_name = "an-entry-point"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:an-entry-point"
    aws_request_id = "52fdfc07-2182-454f-963f-5f0f9a621d72"

    def get_remaining_time_in_millis(self) -> int:
        return 55_000


CONTEXT: Any = Context()


def http_event(
    route: str,
    parameters: dict[str, str],
    *,
    body: str | bytes | None = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
    claims: dict[str, Any] | None = None,
) -> Event:
    """A request as an HTTP API hands it over: payload format 2.0, behind a JWT authorizer."""
    method, _, path = route.partition(" ")
    path = path if path == DESCRIPTION else BASE + path
    raw = path
    for name, value in parameters.items():
        raw = raw.replace(f"{{{name}}}", quote(value, safe="")).replace(f"{{{name}+}}", quote(value))
    verified = {"sub": "alice", "token_use": "access", "cognito:groups": f"[{OWN}/*:*]"} if claims is None else claims
    event: Event = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": raw,
        "rawQueryString": "&".join(f"{quote(key)}={quote(value)}" for key, value in (query or {}).items()),
        "headers": {"content-type": "application/json", "host": "api.example.org"} | (headers or {}),
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "authorizer": {"jwt": {"claims": verified, "scopes": None}},
            "domainName": "api.example.org",
            "domainPrefix": "api",
            "http": {
                "method": method,
                "path": raw,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.1",
                "userAgent": "hypothesis",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": f"{method} {path}",
            "stage": "$default",
            "time": "22/Nov/2026:09:30:00 +0000",
            "timeEpoch": 1795339800000,
        },
        "isBase64Encoded": isinstance(body, bytes),
    }
    if parameters:
        event["pathParameters"] = parameters
    if query:
        event["queryStringParameters"] = query
    if body is not None:
        event["body"] = base64.b64encode(body).decode() if isinstance(body, bytes) else body
    return event


def answer_of(entry_point: Any, event: Event) -> tuple[int, Json]:
    """Status and document of an answer, after what Lambda's runtime and API Gateway do to it.

    Whatever it is, the OpenAPI document has to describe it.
    """
    sent = json.dumps(entry_point.lambda_handler(event, CONTEXT), ensure_ascii=False).encode()
    answered = json.loads(sent)
    body = answered.get("body")
    if answered.get("isBase64Encoded"):
        body = base64.b64decode(body)
    document = json.loads(body) if body else None
    check_answer(event["routeKey"], answered["statusCode"], document)
    return answered["statusCode"], document


# The error's phrase by its status: https://www.rfc-editor.org/rfc/rfc9110#section-15, of 428 RFC 6585.
PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    412: "Precondition Failed",
    413: "Content Too Large",
    428: "Precondition Required",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def assert_complete(document: Json, status: int | None = None) -> None:
    """An error document as the design has it, with the reason phrase of its status."""
    assert (
        {"error", "code", "message", "requestId"}
        <= document.keys()
        <= {*("error", "code", "message", "requestId", "field", "orchestrationId", "runId", "changed")}
    )
    texts = (value for name, value in document.items() if name != "changed")
    assert all(isinstance(value, str) and value for value in texts), document
    assert document["code"] not in ("INTERNAL_ERROR", "UNAVAILABLE", "SERVICE_MISCONFIGURED"), document
    if status is not None:
        assert document["error"] == PHRASES[status]
        assert 400 <= status < 500, document
