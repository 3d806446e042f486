"""Event-driven triggers: `eventPattern`, and `eventBusName` if it is not the stack's own trigger bus."""

from contextlib import suppress
from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject, JsonValue, is_unicode, parse_object, text_of
from handlers.domain.registry.event_patterns import check_event_pattern, is_of, scoped_to
from handlers.domain.registry.trigger_metadata import METADATA, AwsService, TriggerMetadata
from handlers.domain.runs.run import ExecutionSource, ExecutionType

BUS_FIELD = f"{METADATA}.eventBusName"
PATTERN_FIELD = f"{METADATA}.eventPattern"


def _text(pattern: object) -> str:
    if not isinstance(pattern, dict):
        raise PydanticCustomError("dict_type", "should be an object")
    return text_of(pattern, field=PATTERN_FIELD)


def _never_null(schema: JsonObject) -> None:
    """A field that is left out where there is none."""
    del schema["default"]
    schema |= schema.pop("anyOf")[0]


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
        description="Absent for the stack's trigger bus, which all workspaces share.",
        json_schema_extra=_never_null,
    )

    @classmethod
    def from_item(cls, stored: JsonObject) -> "EventDriven":
        """Whatever the pattern's text is: EventBridge has taken it."""
        pattern, bus = stored["eventPattern"], stored.get("eventBusName")
        return cls.model_construct(event_pattern=pattern, event_bus_name=bus)

    def document(self) -> JsonObject:
        pattern: JsonValue = self.event_pattern
        with suppress(InvalidRequest):  # of another release: then it is shown as the text that it is
            pattern = parse_object(self.event_pattern)
        return self.item() | {"eventPattern": pattern}

    def check(self, workspace: str) -> None:
        own_bus = self.event_bus_name is None
        check_event_pattern(self.event_pattern, own_bus=own_bus, workspace=workspace, field=PATTERN_FIELD)
        if not is_unicode(parse_object(self.event_pattern, field=PATTERN_FIELD)):
            raise InvalidRequest(PATTERN_FIELD, "holds half a surrogate pair, which EventBridge compares with nothing.")

    def rule_pattern(self, workspace: str) -> str:
        """The pattern of the trigger's rule: on the shared bus it matches events of the workspace only."""
        return scoped_to(self.event_pattern, workspace) if self.event_bus_name is None else self.event_pattern

    def accepts(self, event: JsonObject, workspace: str) -> bool:
        """The rule's pattern says so too. This check does not depend on how EventBridge reads a tenant's pattern."""
        return self.event_bus_name is not None or is_of(event, workspace)

    @property
    def other_bus(self) -> str | None:
        return self.event_bus_name
