"""Event patterns of tenants, limited to the tenant's own events.

All workspaces share the stack's trigger bus. The service adds to each pattern the condition that `detail.workspace` is
the workspace of the trigger. A pattern with a condition of its own on this field is refused, because EventBridge does
not document which of two conditions on one field counts.
"""

from collections.abc import Iterator

from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject, JsonValue, compact, parse_object

# EventBridge's quota of a rule's pattern, in characters.
MAX_PATTERN = 2048
_OWNER = "detail.workspace"


def scoped_to(pattern: str, workspace: str) -> str:
    """The pattern's JSON text with the condition that the event is the workspace's own."""
    request = parse_object(pattern)
    return compact(request | {"detail": {**request.get("detail", {}), "workspace": [workspace]}})


def check_event_pattern(pattern: str, *, own_bus: bool, workspace: str, field: str) -> None:
    """The checks that need no call to EventBridge. Raises InvalidRequest naming `field`."""
    # Before the other checks, which walk through all of it, and again with the condition that the service adds.
    _check_length(pattern, field)
    request = parse_object(pattern, field=field)
    if own_bus:
        if not isinstance(request.get("detail", {}), dict):
            raise InvalidRequest(field, "must have an object as its detail.")
        if any(path == _OWNER or path.startswith(f"{_OWNER}.") for path in _paths(request)):
            raise InvalidRequest(field, f"must not say anything of {_OWNER}: the service adds it.")
        pattern = scoped_to(pattern, workspace)
    elif not request:
        raise InvalidRequest(field, "must not be empty: it would match every event of the bus.")
    _check_length(pattern, field)


def _check_length(pattern: str, field: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise InvalidRequest(field, f"is {len(pattern)} characters with what the service adds; {MAX_PATTERN} at most.")


def is_of(event: JsonObject, workspace: str) -> bool:
    """Whether an event of the trigger bus is the workspace's."""
    detail = event.get("detail")
    return isinstance(detail, dict) and detail.get("workspace") == workspace


def _paths(pattern: JsonValue, above: str = "") -> Iterator[str]:
    """The paths of the fields that a pattern has conditions on, joined with dots; `$or` is not part of a path."""
    if isinstance(pattern, list):
        for each in pattern:
            yield from _paths(each, above)
    elif isinstance(pattern, dict):
        for name, below in pattern.items():
            path = above if name == "$or" else f"{above}.{name}".lstrip(".")
            yield path
            yield from _paths(below, path)
