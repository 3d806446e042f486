"""What the HTTP doors share: the resolver, the caller, strict bodies, and the one table from error to status."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response, content_types
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from handlers.domain import errors
from handlers.domain.identity import Caller
from handlers.domain.json_document import JsonObject, JsonValue, compact, parse_object
from handlers.domain.paging import Page
from handlers.domain.starting.idempotency import HEADER, IdempotencyKey, request_key
from handlers.telemetry import AuditLine, audited, log_fault

API = "/workspace/<workspace>/api/v1"
# Larger bodies are refused unread. Of the 6 MB that a Lambda can be sent, base64 takes a third; so every body of this
# size arrives if it is sent with a content type that API Gateway encodes. One of text/…, application/json, …/xml or
# …/javascript comes as an escaped text within a JSON text instead: less of it may fit, or more. What does not fit is
# refused by API Gateway, before anything of ours can answer.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html, and for the content types, which are not
# documented but were tried out: https://github.com/ministackorg/ministack/pull/766
MAX_BODY_BYTES = 4_500_000
# An answer travels as a text within a JSON text, where a quote is two characters and, up to Python 3.11, one that is
# not ASCII up to twelve: large answers are shorter in base64. The limit of 6 MB is the same for both.
MAX_TEXT_ANSWER = 400_000

# The most specific class counts.
STATUS: dict[type[errors.ServiceError], HTTPStatus] = {
    errors.Refused: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.FunctionNotPermitted: HTTPStatus.FORBIDDEN,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.VersionRequired: HTTPStatus.PRECONDITION_REQUIRED,
    errors.Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Misconfigured: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ServiceError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
# Of RFC 9110 and, for 428, RFC 6585. Python's own phrases differ from version to version.
PHRASES: dict[HTTPStatus, str] = {
    HTTPStatus.BAD_REQUEST: "Bad Request",
    HTTPStatus.UNAUTHORIZED: "Unauthorized",
    HTTPStatus.FORBIDDEN: "Forbidden",
    HTTPStatus.NOT_FOUND: "Not Found",
    HTTPStatus.CONFLICT: "Conflict",
    HTTPStatus.PRECONDITION_FAILED: "Precondition Failed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Content Too Large",
    HTTPStatus.PRECONDITION_REQUIRED: "Precondition Required",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal Server Error",
    HTTPStatus.SERVICE_UNAVAILABLE: "Service Unavailable",
}


def answer_error(error: Exception, request_id: str) -> tuple[HTTPStatus, JsonObject]:
    """The status and `{error, code, message, requestId}`, with what else the error has to tell. Logs our own faults."""
    if not isinstance(error, errors.Refused):
        log_fault(error)
    if not isinstance(error, errors.ServiceError):
        error = errors.ServiceError("Something went wrong on our side. It has been logged under this request id.")
    status = next(STATUS[each] for each in type(error).__mro__ if each in STATUS)
    document = {"error": PHRASES[status], "code": error.code, "message": error.message, "requestId": request_id}
    if isinstance(error, errors.InvalidRequest):
        document["field"] = error.field
    if isinstance(error, errors.OrchestrationRun) and error.orchestration_id is not None:
        document["orchestrationId"] = error.orchestration_id
    return status, document


class Act(NamedTuple):
    """Something that is done, by whom, and the audit line that it leaves."""

    caller: Caller
    line: AuditLine


class Resolver(APIGatewayHttpResolver):
    """Powertools' resolver, which answers our errors in our words and never with a stack trace."""

    def __init__(self) -> None:
        super().__init__(serializer=_to_json)
        self.exception_handler(Exception)(self._answer_error)
        self.not_found(self._answer_not_found)

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            quoted = _with_quoted_path(event)
        except (AttributeError, KeyError, TypeError):
            # Only who invokes the Lambda directly can send this.
            malformed = errors.InvalidRequest("event", "is not an event of API Gateway.")
            status, document = answer_error(malformed, context.aws_request_id)
            return {"statusCode": status, "body": _to_json(document)}
        return _in_base64_if_large(self.resolve(quoted, context))

    def caller(self) -> Caller:
        """Raises Unauthenticated."""
        authorizer = self.current_event.request_context.authorizer
        return Caller.of_claims(authorizer.jwt_claim if authorizer else {})

    def allow(self, workspace: str, resource: str, action: str) -> None:
        """Raises Unauthenticated or Forbidden."""
        self.caller().require(workspace, resource, action)

    @contextmanager
    def act(self, action: str, workspace: str, needed: tuple[str, str], **ids: str) -> Iterator[Act]:
        """Writes an audit line of what is done within, accepted or refused, also if the grant is missing.

        `needed` is the resource and the action of the grant, `ids` are of what it is done to. Raises Unauthenticated or
        Forbidden.
        """
        with audited(action, workspace=workspace, **ids) as line:
            caller = self.caller()
            line["by"] = caller.subject
            caller.require(workspace, *needed)
            yield Act(caller, line)

    def query(self) -> dict[str, str]:
        return self.current_event.query_string_parameters

    def page(self) -> Page:
        """Raises InvalidRequest."""
        return Page.from_query(self.query().get("limit"), self.query().get("cursor"))

    def header(self, name: str) -> str | None:
        """A request header by its name in lower case, as API Gateway hands all of them over."""
        return self.current_event.headers.get(name)

    def request_key(self, workspace: str, caller: Caller, request: JsonValue) -> IdempotencyKey | None:
        """The idempotency key that the caller has sent with what is asked for. Raises InvalidRequest."""
        return request_key(self.header(HEADER.lower()), workspace, f"caller:{caller.subject}", request)

    def body(self) -> JsonObject:
        """Raises InvalidRequest or TooLarge."""
        # How deep content may be is asked of the fields that hold it.
        return parse_object(self.raw_body(), max_depth=None)

    def raw_body(self) -> bytes:
        """Raises InvalidRequest or TooLarge."""
        body = self.current_event.body or ""
        encoded = self.current_event.is_base64_encoded
        # A quarter of base64 is not the body's; no character of a text is less than a byte. So this is cheap to tell.
        at_least = len(body) // 4 * 3 - 2 if encoded else len(body)
        try:
            if at_least <= MAX_BODY_BYTES:
                text = base64.b64decode(body) if encoded else body.encode(errors="surrogatepass")
                if len(text) <= MAX_BODY_BYTES:
                    return text
        except ValueError:  # not base64, or not even ASCII
            raise errors.InvalidRequest("body", "is not valid base64.") from None
        raise errors.TooLarge("body", f"is larger than {MAX_BODY_BYTES} bytes.")

    def _answer_error(self, error: Exception) -> Response[JsonObject]:
        return json_response(*answer_error(error, self.current_event.request_context.request_id))

    def _answer_not_found(self, _: NotFoundError) -> Response[JsonObject]:
        return self._answer_error(errors.NotFound("Route"))


def json_response(status: HTTPStatus, body: JsonObject | None, **headers: str) -> Response[Any]:
    """No answer is to be kept on its way: runs are revealed in them, params and secrets shown, and what is changes."""
    return Response(
        status_code=status,
        content_type=content_types.APPLICATION_JSON,
        body=None if body is None else _to_json(body),
        headers={"Cache-Control": "no-store"} | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def accepted(workspace: str, job_id: str, message: str) -> Response[Any]:
    """202: the run is recorded and will be executed."""
    document = {"jobId": job_id, "message": message}
    return json_response(HTTPStatus.ACCEPTED, document, Location=run_location(workspace, job_id))


def run_location(workspace: str, run_id: str) -> str:
    return f"{API.replace('<workspace>', workspace)}/function-runs/{run_id}"


def _with_quoted_path(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its path rebuilt from API Gateway's own match, each parameter percent-encoded.

    Powertools matches the path anew with an alphabet of its own: an id with a quote or a slash in it would become
    "no such route" instead of the contract's "Invalid run ID.". An id or workspace that is valid has nothing to encode.
    """
    path = event.get("routeKey", "").partition(" ")[2]
    for name, value in (event.get("pathParameters") or {}).items():
        quoted = quote(str(value), safe="", errors="replace")
        path = path.replace(f"{{{name}}}", quoted).replace(f"{{{name}+}}", quoted)
    context = event["requestContext"] | {"stage": "$default"}
    return event | {"rawPath": path, "requestContext": context}


def _in_base64_if_large(answer: dict[str, Any]) -> dict[str, Any]:
    body = answer.get("body") or ""
    if len(body) <= MAX_TEXT_ANSWER:
        return answer
    return answer | {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}


def _to_json(body: Any) -> str:
    return compact(body)
