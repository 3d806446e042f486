"""What can go wrong. No message holds a token, a parameter or any other content.

FunctionRerunError
    ApiError                  the service, or API Gateway in front of it, has refused: nothing was changed
        Refused               the request is not valid, or asks for what cannot be
        Unauthorized          no token, or none that is valid
        Forbidden             a grant is missing
        NotFound
        Conflict              it is at odds with how things stand
            Stale             somebody else has changed it since it was read
        Unavailable           later it may be answered
            Throttled
        ServiceFault          a fault of the service
    ConnectionFailed          the service was not reached, or did not answer what was asked
    InvalidAnswer             it was not this API that answered
    OutcomeUnknown            whether a change was made is not known
    WaitTimeout               a run has not ended in time
    TokenUnavailable          the source of tokens gave none
    InsecureUrl, InvalidToken before anything is sent
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from function_rerun.models import RevealedRun


class FunctionRerunError(Exception):
    """`message` is a sentence for people."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ApiError(FunctionRerunError):
    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str = "",
        field: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        document: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        """Of docs/reference/errors.md; empty if API Gateway has answered."""
        self.field = field
        self.request_id = request_id
        """What the service's log names the request by."""
        self.retry_after = retry_after
        """Seconds."""
        self.document: Mapping[str, Any] = document or {}
        """What was answered: `orchestrationId`, `runId` and `changed` of the errors that have them."""

    def __str__(self) -> str:
        known = [
            self.code,
            f"request {self.request_id}" if self.request_id else "",
            f"not before {self.retry_after:.0f} s" if self.retry_after else "",
        ]
        about = ", ".join(filter(None, known))
        return f"{self.message} ({about})" if about else self.message


class Refused(ApiError):
    pass


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class Stale(Conflict):
    pass


class Unavailable(ApiError):
    pass


class Throttled(Unavailable):
    pass


class ServiceFault(ApiError):
    pass


class ConnectionFailed(FunctionRerunError):
    pass


class InvalidAnswer(FunctionRerunError):
    pass


class OutcomeUnknown(FunctionRerunError):
    def __init__(
        self, message: str, find_out: str, *, idempotency_key: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.find_out = find_out
        """How, with the methods of the client."""
        self.idempotency_key = idempotency_key
        """With it, the same call starts nothing again, and tells what was started."""
        self.request_id = request_id

    def __str__(self) -> str:
        return f"{self.message.removesuffix('.')}: {self.find_out}."


class WaitTimeout(FunctionRerunError):
    def __init__(self, message: str, run: RevealedRun | None) -> None:
        super().__init__(message)
        self.run = run
        """As it was last seen."""


class TokenUnavailable(FunctionRerunError):
    """Its cause is what the source has raised."""

    def __init__(self, message: str, *, is_transient: bool = False) -> None:
        super().__init__(message)
        self.is_transient = is_transient
        """Whether the source may give one later, as where an identity provider did not answer."""


class InsecureUrl(FunctionRerunError, ValueError):
    pass


class InvalidToken(FunctionRerunError, ValueError):
    pass


_BY_STATUS: dict[int, type[ApiError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.PRECONDITION_FAILED: Stale,
    HTTPStatus.TOO_MANY_REQUESTS: Throttled,
    HTTPStatus.BAD_GATEWAY: Unavailable,
    HTTPStatus.SERVICE_UNAVAILABLE: Unavailable,
    HTTPStatus.GATEWAY_TIMEOUT: Unavailable,
}


def class_of(status: int, code: str) -> type[ApiError]:
    """`code` is empty if it was not the service that answered: then a fault may pass."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServiceFault if code else Unavailable
    return Refused


def may_pass(error: FunctionRerunError) -> bool:
    """Whether the same request may be answered later."""
    if isinstance(error, TokenUnavailable):
        return error.is_transient
    return isinstance(error, (ConnectionFailed, Unavailable))
