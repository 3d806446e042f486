"""What a schedule or an event rule delivers starts a run, once however often it is delivered."""

import json
from enum import StrEnum
from typing import NamedTuple, Protocol

from pydantic import Field

from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import FOREIGN_ID, derived_id, required_id
from handlers.domain.json_document import JsonObject, JsonValue
from handlers.domain.registry.event_patterns import is_of
from handlers.domain.registry.registered import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.requests import Body, ObjectField, parse_moment
from handlers.domain.runs.run import ExecutionSource, FunctionRun
from handlers.domain.starting.start import Cause, Starter, start_run


class ScheduledTime(Body):
    """What the target of every schedule is given."""

    trigger_id: str
    scheduled_time: str = Field(max_length=40)

    @staticmethod
    def text(trigger_id: str, scheduled_time: str) -> str:
        return json.dumps({"triggerId": trigger_id, "scheduledTime": scheduled_time})


class MatchedEvent(Body):
    """What the target of every rule is given: the event, whole."""

    trigger_id: str
    event: ObjectField

    @staticmethod
    def text(trigger_id: str, event: str) -> str:
        """`event` is JSON, or what EventBridge puts JSON for."""
        return f'{{"triggerId":"{trigger_id}","event":{event}}}'


class Registry(Protocol):
    def read_trigger_with_function(self, trigger_id: str) -> tuple[StoredTrigger, ComputeFunction | None] | None: ...


class Dropped(StrEnum):
    """Why a delivery has started no run. Nobody waits for an answer: it is logged."""

    NO_TRIGGER = "no such trigger"
    DISABLED = "trigger disabled"
    NO_FUNCTION = "no such function"
    NOT_ITS_OWN = "not of the trigger's workspace"


class Delivery(NamedTuple):
    trigger_id: str
    cause: Cause


def read_delivery(document: JsonValue) -> Delivery:
    """`document` is what Lambda's runtime has read, more generously than this service reads. Raises InvalidRequest."""
    if not isinstance(document, dict):
        raise InvalidRequest("event", "must be a JSON object.")
    return _scheduled(document) if "scheduledTime" in document else _matched(document)


def _scheduled(document: JsonObject) -> Delivery:
    told = ScheduledTime.read(document)
    trigger_id = required_id(told.trigger_id, field="triggerId")
    parse_moment(told.scheduled_time, field="scheduledTime")
    payload = {"scheduledTime": told.scheduled_time}
    run_id = derived_id("schedule", trigger_id, told.scheduled_time)
    return Delivery(trigger_id, Cause(ExecutionSource.SCHEDULED, payload, "scheduledTime", run_id, is_accepted=True))


def _matched(document: JsonObject) -> Delivery:
    told = MatchedEvent.read(document)
    trigger_id = required_id(told.trigger_id, field="triggerId")
    event_id = told.event.get("id")
    if not isinstance(event_id, str) or not FOREIGN_ID.fullmatch(event_id):
        raise InvalidRequest("event.id", "is required: it tells one event from another.")
    run_id = derived_id("event", trigger_id, event_id)
    return Delivery(trigger_id, Cause(ExecutionSource.EVENT, told.event, "event", run_id, is_accepted=True))


def deliver(delivery: Delivery, registry: Registry, using: Starter) -> FunctionRun | Dropped:
    """The run that it has started, now or when it was delivered before.

    Raises TriggerUnreadable or Unavailable.
    """
    found = registry.read_trigger_with_function(delivery.trigger_id)
    if found is None:
        return Dropped.NO_TRIGGER
    stored, function = found
    reason = _reason_to_drop(stored.trigger, function, delivery)
    return reason or start_run(stored, function, delivery.cause, using)


def _reason_to_drop(trigger: FunctionTrigger, function: ComputeFunction | None, delivery: Delivery) -> Dropped | None:
    is_event = delivery.cause.source is ExecutionSource.EVENT
    expected = trigger.events if is_event else trigger.schedule
    if not trigger.confirmed or expected is None:
        return Dropped.NO_TRIGGER
    if not trigger.enabled:
        return Dropped.DISABLED
    if function is None:
        return Dropped.NO_FUNCTION
    # The rule's own condition says so too. This one does not depend on how EventBridge reads a tenant's pattern.
    own_bus = trigger.events is not None and trigger.events.is_on_trigger_bus
    if is_event and own_bus and not is_of(delivery.cause.payload, trigger.workspace):
        return Dropped.NOT_ITS_OWN
    return None
