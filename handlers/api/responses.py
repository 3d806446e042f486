"""Answers: views as JSON, and errors by the one table from error to status."""

import base64
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response, content_types

from handlers.api.operations import BASE
from handlers.api.views import Error, JobAccepted, View
from handlers.domain import errors
from handlers.domain.json_document import compact
from handlers.telemetry import log_fault

# An answer travels as a text within a JSON text, where a quote is two characters and, up to Python 3.11, one that is
# not ASCII up to twelve: large answers are shorter in base64. The limit of 6 MB is the same for both.
MAX_TEXT_ANSWER = 400_000
# Answers are not to be kept on their way: they reveal content, params and secrets, and what they show changes.
NO_STORE = "no-store"
RETRY_AFTER_SECONDS = 5

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


def status_of(error: type[errors.ServiceError]) -> HTTPStatus:
    return next(STATUS[each] for each in error.__mro__ if each in STATUS)


def phrase_of(status: HTTPStatus) -> str:
    """Of RFC 9110, whatever the Python: up to 3.12 it has another one for 413."""
    return "Content Too Large" if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE else status.phrase


def answer_error(error: Exception, request_id: str) -> tuple[HTTPStatus, Error]:
    """The status and the document of an error. Logs our own faults."""
    if not isinstance(error, errors.Refused):
        log_fault(error)
    known = error if isinstance(error, errors.ServiceError) else errors.ServiceError()
    return status_of(type(known)), answer_to(known, request_id)


def answer_to(error: errors.ServiceError, request_id: str) -> Error:
    return Error.of(error, error=phrase_of(status_of(type(error))), request_id=request_id)


def json_response(status: HTTPStatus, view: View, *, cache_control: str = NO_STORE, **headers: str) -> Response[Any]:
    """`headers` are named with _ for -."""
    return Response(
        status_code=status,
        content_type=content_types.APPLICATION_JSON,
        body=compact(view.document()),
        headers={"Cache-Control": cache_control} | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def error_response(error: Exception, request_id: str) -> Response[Any]:
    status, document = answer_error(error, request_id)
    retry_after = {"Retry_After": str(RETRY_AFTER_SECONDS)} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return json_response(status, document, **retry_after)


def accepted(workspace: str, job_id: str, message: str) -> Response[Any]:
    """202: the run is recorded and will be executed."""
    view = JobAccepted(job_id=job_id, message=message)
    return json_response(HTTPStatus.ACCEPTED, view, Location=run_location(workspace, job_id))


def run_location(workspace: str, run_id: str) -> str:
    return f"{BASE.format(workspace=workspace)}/function-runs/{run_id}"


def to_lambda(answer: dict[str, Any]) -> dict[str, Any]:
    """What Powertools answers, as Lambda can carry it: in base64 if it is large."""
    body = answer.get("body") or ""
    if len(body) <= MAX_TEXT_ANSWER:
        return answer
    return answer | {"body": base64.b64encode(body.encode()).decode(), "isBase64Encoded": True}
