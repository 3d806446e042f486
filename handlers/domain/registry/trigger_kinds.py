"""What each kind of trigger says of itself in its `triggerMetadata`, besides its params, and which of it is acceptable.

scheduled      scheduleType interval (interval: seconds) | cron (cronExpression, timezone) | once (at)
event-driven   eventPattern, and eventBusName if it is not the stack's own trigger bus
http-trigger   path, signature: standard-webhooks (the default) or none, and rawBody: to have the body as it came
"""

import re
from contextlib import suppress
from typing import Literal, NamedTuple
from zoneinfo import available_timezones

from aws_cron_expression_validator.validator import AWSCronExpressionError, AWSCronExpressionValidator
from pydantic import Field
from pydantic.alias_generators import to_camel

from handlers.domain import clock
from handlers.domain.clock import Timestamp
from handlers.domain.document import Document
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject, JsonValue, is_unicode, parse_object, text_of
from handlers.domain.registry.event_patterns import check_event_pattern
from handlers.domain.requests import Body, ContentField, Moment, ObjectField
from handlers.domain.runs.run import ExecutionType

METADATA = "triggerMetadata"
MAX_INTERVAL = 366 * 24 * 3600
MAX_CRON = 256
MAX_PATH = 200
_PATH = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
# No spaces but single ones between the fields: AWS counts them.
_CRON = re.compile(r"[^ ]+( [^ ]+){5}")
_CRON_ELEMENT = re.compile(r"[0-9A-Za-z*?/#-]{1,12}")
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4
# Names of the time zone database that are no time zones.
_NO_ZONES = {"localtime", "Factory", "posixrules"}

ScheduleType = Literal["interval", "cron", "once"]
Signature = Literal["standard-webhooks", "none"]


class Schedule(Document):
    """When a scheduled trigger starts its runs."""

    schedule_type: ScheduleType
    interval: int | None = None
    """Seconds between two runs, a multiple of 60."""
    cron_expression: str | None = None
    """AWS's six fields, without the `cron(…)` around them."""
    timezone: str | None = None
    at: Timestamp | None = None

    def document(self) -> JsonObject:
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


class EventSource(Document):
    """Which events start an event-driven trigger's runs."""

    event_pattern: str
    """The pattern as it was asked for, a JSON text: DynamoDB knows no fractions as Python has them."""
    event_bus_name: str | None = None
    """None for the stack's trigger bus."""

    @property
    def is_on_trigger_bus(self) -> bool:
        """The bus that all workspaces share: only there does a rule have to ask for events of its own workspace."""
        return self.event_bus_name is None

    def document(self) -> JsonObject:
        named = {} if self.event_bus_name is None else {"eventBusName": self.event_bus_name}
        pattern: JsonValue = self.event_pattern
        with suppress(InvalidRequest):  # of another release: then it is shown as the text that it is
            pattern = parse_object(self.event_pattern)
        return {"eventPattern": pattern, **named}


class Webhook(Document):
    """Where an HTTP trigger receives its webhooks."""

    path: str
    signature: Signature
    raw_body: bool = False
    """Whether the body is always handed on as the bytes that were sent, never as the value of its JSON."""

    def document(self) -> JsonObject:
        plain = {"path": self.path, "signature": self.signature}
        return plain | {"rawBody": True} if self.raw_body else plain


class Metadata(NamedTuple):
    """What a request says in `triggerMetadata`: params, and what fits the trigger's kind."""

    params: JsonObject
    schedule: Schedule | None = None
    events: EventSource | None = None
    webhook: Webhook | None = None


class _Body(Body):
    params: ContentField = Field(default_factory=dict)


class _ScheduleBody(_Body):
    schedule_type: ScheduleType
    interval: int | None = Field(default=None, ge=60, le=MAX_INTERVAL, multiple_of=60)
    cron_expression: str | None = Field(default=None, max_length=MAX_CRON)
    timezone: str | None = Field(default=None, max_length=64)
    at: Moment | None = None


class _EventsBody(_Body):
    event_pattern: ObjectField
    event_bus_name: str | None = Field(default=None, min_length=1, max_length=256)


class _WebhookBody(_Body):
    path: str = Field(max_length=MAX_PATH)
    signature: Signature = "standard-webhooks"
    raw_body: bool = False


def read_metadata(kind: ExecutionType, workspace: str, body: JsonObject, buses: dict[str, list[str]]) -> Metadata:
    """What `triggerMetadata` says. `buses` are those that a workspace may listen to besides the stack's own.

    Raises InvalidRequest.
    """
    if kind is ExecutionType.SCHEDULED:
        scheduled = _ScheduleBody.read(body, within=METADATA)
        return Metadata(scheduled.params, schedule=_schedule(scheduled))
    if kind is ExecutionType.EVENT_DRIVEN:
        events = _EventsBody.read(body, within=METADATA)
        return Metadata(events.params, events=_event_source(events, workspace, buses))
    if kind is ExecutionType.HTTP:
        webhook = _WebhookBody.read(body, within=METADATA)
        check_path(webhook.path, field=f"{METADATA}.path")
        webhook_request = Webhook(path=webhook.path, signature=webhook.signature, raw_body=webhook.raw_body)
        return Metadata(webhook.params, webhook=webhook_request)
    return Metadata(_Body.read(body, within=METADATA).params)


def check_path(path: str, *, field: str) -> None:
    """Plain segments: nothing to decode, nothing to climb. Raises InvalidRequest."""
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        raise InvalidRequest(
            field,
            f"must be segments of letters, digits and . _ ~ - with one / between them, none beginning with a dot, "
            f"{MAX_PATH} characters at most.",
        )


_TIMING = ("interval", "cron_expression", "timezone", "at")
_TIMED_BY: dict[ScheduleType, str] = {"interval": "interval", "cron": "cron_expression", "once": "at"}


def timing_field(schedule_type: ScheduleType) -> str:
    """The field of a request that says when."""
    return f"{METADATA}.{to_camel(_TIMED_BY[schedule_type])}"


def _schedule(request: _ScheduleBody) -> Schedule:
    needed = _TIMED_BY[request.schedule_type]
    allowed = {needed, "timezone"} if request.schedule_type == "cron" else {needed}
    for name in _TIMING:
        field = f"{METADATA}.{to_camel(name)}"
        if getattr(request, name) is None:
            if name == needed:
                raise InvalidRequest(field, f"is required for the schedule type {request.schedule_type}.")
        elif name not in allowed:
            raise InvalidRequest(field, f"has no place in the schedule type {request.schedule_type}.")
    if request.schedule_type == "cron":
        return Schedule(
            schedule_type="cron", cron_expression=_cron(request.cron_expression or ""), timezone=_zone(request.timezone)
        )
    if request.schedule_type == "once":
        return Schedule(schedule_type="once", at=request.at and request.at.replace(microsecond=0))
    return Schedule(schedule_type="interval", interval=request.interval)


def _cron(expression: str) -> str:
    field = f"{METADATA}.cronExpression"
    if not expression.isascii() or not _CRON.fullmatch(expression):
        raise InvalidRequest(field, "must be six fields, like 0 9 ? * MON-FRI *, with one space between them.")
    fields = expression.split(" ")
    one_day_is_open = (fields[_DAY_OF_MONTH] == "?") != (fields[_DAY_OF_WEEK] == "?")
    if not one_day_is_open or not all(_is_cron_field(*each) for each in enumerate(fields)):
        raise InvalidRequest(field, "is not a cron expression as EventBridge Scheduler reads them.")
    return expression


def _is_cron_field(position: int, field: str) -> bool:
    """Each element of a list is shown to the validator alone: on a long list its expressions backtrack for hours."""
    elements = field.split(",")
    return all(_is_cron_element(position, element) for element in elements) and (elements == ["?"] or "?" not in field)


def _is_cron_element(position: int, element: str) -> bool:
    trial = ["0", "0", "?", "*", "*", "*"] if position == _DAY_OF_WEEK else ["0", "0", "1", "*", "?", "*"]
    if element == "?" or not _CRON_ELEMENT.fullmatch(element):
        return element == "?" and position in (_DAY_OF_MONTH, _DAY_OF_WEEK)
    trial[position] = element
    try:
        AWSCronExpressionValidator.validate(" ".join(trial))
    except AWSCronExpressionError:
        return False
    return True


def _zone(name: str | None) -> str:
    if name is not None and name not in available_timezones() - _NO_ZONES:
        raise InvalidRequest(f"{METADATA}.timezone", "is not a time zone like Europe/Berlin.")
    return name or "UTC"


def check_ahead(schedule: Schedule) -> None:
    """A moment that has passed would never come. Raises InvalidRequest."""
    if schedule.at is not None and schedule.at <= clock.now():
        raise InvalidRequest(f"{METADATA}.at", "has passed.")


def _event_source(request: _EventsBody, workspace: str, buses: dict[str, list[str]]) -> EventSource:
    if request.event_bus_name is not None and request.event_bus_name not in buses.get(workspace, []):
        raise InvalidRequest(
            f"{METADATA}.eventBusName", "is not a bus that this workspace may listen to (otherBuses in docs/deploy.md)."
        )
    field = f"{METADATA}.eventPattern"
    source = EventSource(
        event_pattern=text_of(request.event_pattern, field=field),
        event_bus_name=request.event_bus_name,
    )
    check_event_pattern(source.event_pattern, own_bus=source.is_on_trigger_bus, workspace=workspace, field=field)
    if not is_unicode(request.event_pattern):
        raise InvalidRequest(field, "holds half a surrogate pair, which EventBridge compares with nothing.")
    return source
