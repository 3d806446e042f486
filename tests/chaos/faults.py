"""What can go wrong with a call to AWS, as rules for the proxy: by service in AWS's own codes, by operation, by kind."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """In the order in which they are tried: the last may have to be left out for want of time."""

    THROTTLED = "throttled"
    ANSWER_LOST = "answer lost"
    """The call took effect, and the connection broke before its answer."""
    BROKEN = "500"
    RESET = "connection reset"
    """The request reached nobody."""
    SLOW = "slow"


class Operation(NamedTuple):
    """A service by the name it signs with, and one of its operations; without a name, all of them."""

    service: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class Refusal(NamedTuple):
    code: str
    status: int

    def as_rule(self) -> dict[str, Any]:
        return {"error": {"code": self.code, "status": self.status, "message": "Injected by the fault suite."}}


# Codes and statuses from each service's list of common errors.
THROTTLED = {
    "dynamodb": Refusal("ProvisionedThroughputExceededException", 400),
    "kms": Refusal("ThrottlingException", 400),
    "sqs": Refusal("RequestThrottled", 400),
    "lambda": Refusal("TooManyRequestsException", 429),
    "events": Refusal("ThrottlingException", 400),
    "scheduler": Refusal("ThrottlingException", 429),
    "s3": Refusal("SlowDown", 503),
}
BROKEN = {
    "dynamodb": Refusal("InternalServerError", 500),
    "kms": Refusal("KMSInternalException", 500),
    "sqs": Refusal("InternalFailure", 500),
    "lambda": Refusal("ServiceException", 500),
    "events": Refusal("InternalException", 500),
    "scheduler": Refusal("InternalServerException", 500),
    "s3": Refusal("InternalError", 500),
}
SLOW_MS = {"min": 200, "max": 1200}

# The first rule that matches wins: this one, the last, does nothing but have the proxy count what it let pass.
COUNTED = {"service": "*"}


def rule(operation: Operation, kind: Kind, share: float) -> dict[str, Any]:
    """Strike that share of an operation's calls. A service without codes of its own is a KeyError: look them up."""
    effects: dict[Kind, dict[str, Any]] = {
        Kind.THROTTLED: THROTTLED[operation.service].as_rule(),
        Kind.BROKEN: BROKEN[operation.service].as_rule(),
        Kind.RESET: {"reset": True},
        Kind.ANSWER_LOST: {"response": {"abort_bytes": 0}},
        Kind.SLOW: {"latency": SLOW_MS},
    }
    return {"service": operation.service, "operation": operation.name, "probability": share, **effects[kind]}


EVERY = [Operation(service) for service in THROTTLED]


def mixed(operations: Iterable[Operation], share: float) -> list[dict[str, Any]]:
    """Every kind of fault on every operation, each as likely as the others; `share` of all calls in all."""
    rules: list[dict[str, Any]] = []
    for operation in operations:
        # Each rule sees only the calls that those before it have spared.
        spared = 1.0
        for kind in Kind:
            each = share / len(Kind)
            rules.append(rule(operation, kind, each / spared))
            spared -= each
    return rules


_KINDS = {
    **{f"error:{refusal.code}": Kind.THROTTLED for refusal in THROTTLED.values()},
    **{f"error:{refusal.code}": Kind.BROKEN for refusal in BROKEN.values()},
    "reset": Kind.RESET,
    "response:abort": Kind.ANSWER_LOST,
}


def kind_of(action: str) -> Kind | None:
    """The kind of fault by the proxy's name for it; None for a call that it let pass."""
    return Kind.SLOW if action.startswith("latency:") else _KINDS.get(action)
