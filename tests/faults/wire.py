"""Rules for the proxy: a kind of fault for a share of an operation's calls."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.faults.kinds import SERVER_ERROR, THROTTLED, AwsError, Kind

KINDS = [kind for kind in Kind if kind is not Kind.NO_CONNECTION]


class Operation(NamedTuple):
    """A service by the name it signs with, and one of its operations; without a name, all of them."""

    service: str
    name: str = ""

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


SLOW_MS = {"min": 200, "max": 1200}

# The first rule that matches wins: this one, the last, does nothing but have the proxy count what it let pass.
COUNTED = {"service": "*"}


def rule(operation: Operation, kind: Kind, share: float) -> dict[str, Any]:
    """For that share of an operation's calls. A service without codes of its own is a KeyError: look them up."""
    effects: dict[Kind, dict[str, Any]] = {
        Kind.THROTTLED: _answered(THROTTLED[operation.service]),
        Kind.SERVER_ERROR: _answered(SERVER_ERROR[operation.service]),
        Kind.REQUEST_LOST: {"reset": True},
        Kind.ANSWER_LOST: {"response": {"abort_bytes": 0}},
        Kind.SLOW: {"latency": SLOW_MS},
    }
    return {"service": operation.service, "operation": operation.name, "probability": share, **effects[kind]}


def _answered(error: AwsError) -> dict[str, Any]:
    return {"error": {"code": error.code, "status": error.status, "message": "Injected by the fault suite."}}


EVERY = [Operation(service) for service in THROTTLED]


def mixed(operations: Iterable[Operation], share: float) -> list[dict[str, Any]]:
    """Every kind of fault on every operation, each as likely as the others; `share` of all calls in all."""
    rules: list[dict[str, Any]] = []
    for operation in operations:
        # Each rule sees only the calls that those before it have let pass.
        left = 1.0
        for kind in KINDS:
            each = share / len(KINDS)
            rules.append(rule(operation, kind, each / left))
            left -= each
    return rules


_KINDS = {
    **{f"error:{error.code}": Kind.THROTTLED for error in THROTTLED.values()},
    **{f"error:{error.code}": Kind.SERVER_ERROR for error in SERVER_ERROR.values()},
    "reset": Kind.REQUEST_LOST,
    "response:abort": Kind.ANSWER_LOST,
}


def kind_of(action: str) -> Kind | None:
    """The kind of fault by the proxy's name for it; None for a call that it let pass."""
    return Kind.SLOW if action.startswith("latency:") else _KINDS.get(action)
