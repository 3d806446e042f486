"""Event-driven triggers: `eventPattern`, and `eventBusName` if it is not the stack's own trigger bus.

All workspaces share the stack's trigger bus. The service adds to each pattern the condition that `detail.workspace` is
the workspace of the trigger. A pattern with a condition of its own on this field is refused, because EventBridge does
not document which of two conditions on one field counts.
"""

from collections.abc import Iterator
from contextlib import suppress
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject, JsonValue, compact, is_unicode, parse_object, text_of
from handlers.domain.registry.trigger_metadata import METADATA, AwsService, TriggerMetadata
from handlers.domain.runs.run import ExecutionSource, ExecutionType

BUS_FIELD = f"{METADATA}.eventBusName"
PATTERN_FIELD = f"{METADATA}.eventPattern"
# EventBridge's quota of a rule's pattern, in characters.
MAX_PATTERN = 2048
_OWNER = "detail.workspace"


def _text(pattern: object) -> str:
    if not isinstance(pattern, dict):
        raise PydanticCustomError("dict_type", "should be an object")
    return text_of(pattern, field=PATTERN_FIELD)


class EventDriven(TriggerMetadata):
    execution_type = ExecutionType.EVENT_DRIVEN
    execution_source = ExecutionSource.EVENT
    aws_service = AwsService.EVENT_RULES

    event_pattern: Annotated[str, PlainValidator(_text), WithJsonSchema({"type": "object"})]
    """The pattern's JSON text, also in the table: DynamoDB knows no fractions as Python has them."""
    event_bus_name: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        exclude_if=lambda bus: bus is None,
        description="Absent for the stack's trigger bus, which all workspaces share.",
    )

    @classmethod
    def from_item(cls, stored: JsonObject) -> "EventDriven":
        """Whatever the pattern's text is: EventBridge has taken it."""
        return cls.model_construct(event_pattern=stored["eventPattern"], event_bus_name=stored.get("eventBusName"))

    def document(self) -> JsonObject:
        pattern: JsonValue = self.event_pattern
        with suppress(InvalidRequest):  # of another release: then it is shown as the text that it is
            pattern = parse_object(self.event_pattern)
        return self.item() | {"eventPattern": pattern}

    def check(self, workspace: str) -> None:
        check_event_pattern(self.event_pattern, own_bus=self.event_bus_name is None, workspace=workspace)

    def rule_pattern(self, workspace: str) -> str:
        """The pattern of the trigger's rule: on the shared bus it matches events of the workspace only."""
        return scoped_to(self.event_pattern, workspace) if self.event_bus_name is None else self.event_pattern

    def accepts(self, event: JsonObject, workspace: str) -> bool:
        """The rule's pattern says so too. This check does not depend on how EventBridge reads a tenant's pattern."""
        return self.event_bus_name is not None or is_of(event, workspace)

    @property
    def other_bus(self) -> str | None:
        return self.event_bus_name


def check_event_pattern(pattern: str, *, own_bus: bool, workspace: str) -> None:
    """The checks that need no call to EventBridge. Raises InvalidRequest."""
    # Before the other checks, which walk through all of it, and again with the condition that the service adds.
    _check_length(pattern)
    conditions = parse_object(pattern, field=PATTERN_FIELD)
    if own_bus:
        if not isinstance(conditions.get("detail", {}), dict):
            raise InvalidRequest(PATTERN_FIELD, "must have an object as its detail.")
        if any(path == _OWNER or path.startswith(f"{_OWNER}.") for path in _paths(conditions)):
            raise InvalidRequest(PATTERN_FIELD, f"must not say anything of {_OWNER}: the service adds it.")
        _check_length(scoped_to(pattern, workspace))
    elif not conditions:
        raise InvalidRequest(PATTERN_FIELD, "must not be empty: it would match every event of the bus.")
    if not is_unicode(conditions):
        raise InvalidRequest(PATTERN_FIELD, "holds half a surrogate pair, which EventBridge compares with nothing.")


def _check_length(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        problem = f"is {len(pattern)} characters with what the service adds; {MAX_PATTERN} at most."
        raise InvalidRequest(PATTERN_FIELD, problem)


def scoped_to(pattern: str, workspace: str) -> str:
    """The pattern's JSON text with the condition that the event is the workspace's own."""
    conditions = parse_object(pattern)
    return compact(conditions | {"detail": {**conditions.get("detail", {}), "workspace": [workspace]}})


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
