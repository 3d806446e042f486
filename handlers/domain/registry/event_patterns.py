"""Event patterns of tenants, narrowed to what is the tenant's.

All workspaces share the stack's trigger bus. A rule of a workspace matches only events whose `detail.workspace` is that
workspace; the service sees to it, and a pattern that says anything of this field itself is refused, because EventBridge
does not say which of two conditions on one field counts.
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
    """What can be checked without EventBridge. Raises InvalidRequest naming `field`."""
    # First, because what follows looks at every field of it; and again, once the service has added its own.
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
    """The fields a pattern speaks of, as EventBridge joins them: with dots, whatever alternatives they stand in."""
    if isinstance(pattern, list):
        for each in pattern:
            yield from _paths(each, above)
    elif isinstance(pattern, dict):
        for name, below in pattern.items():
            path = above if name == "$or" else f"{above}.{name}".lstrip(".")
            yield path
            yield from _paths(below, path)
