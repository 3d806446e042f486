"""What can become of a request on its way to the service, or of its answer on the way back."""

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class Fault:
    """Of one request. Without any of these, nothing goes wrong."""

    status: int | None = None
    """API Gateway answers so by itself, and the entry point sees nothing of the request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of that answer."""
    processed: bool = True
    """False: the request is lost, and nothing is done."""
    answered: Literal["whole", "half", "reset", "closed"] = "whole"
    """What comes of the answer. `reset` and `closed`: none of it, the connection ends so."""
    delay_seconds: float = 0.0
    """Before anything is done."""

    def document(self) -> dict[str, Any]:
        phrases = {401: "Unauthorized", 429: "Too Many Requests", 503: "Service Unavailable"}
        return {"message": phrases.get(self.status or 0, "Internal Server Error")}


def throttled(retry_after: str | None = None) -> Fault:
    """`retry_after`: seconds, or a date of HTTP."""
    return Fault(status=429, headers=_retry_after(retry_after))


def unavailable(retry_after: str | None = None) -> Fault:
    return Fault(status=503, headers=_retry_after(retry_after))


def slow(seconds: float) -> Fault:
    return Fault(delay_seconds=seconds)


def _retry_after(value: str | None) -> dict[str, str]:
    return {} if value is None else {"Retry-After": value}


REQUEST_LOST = Fault(processed=False, answered="reset")
REQUEST_LOST_AND_CLOSED = Fault(processed=False, answered="closed")
ANSWER_LOST = Fault(answered="reset")
ANSWER_LOST_AND_CLOSED = Fault(answered="closed")
HALF_AN_ANSWER = Fault(answered="half")
