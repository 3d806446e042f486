"""What a schedule or an event rule delivers starts a run, once however often it is delivered."""

import json
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import FOREIGN_ID, derived_id, required_id
from handlers.domain.json_document import JsonObject, JsonValue
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger
from handlers.domain.registry.trigger_sources import PermittedBuses
from handlers.domain.requests import Body, ObjectField, parse_moment
from handlers.domain.runs.run import ExecutionSource, FunctionRun
from handlers.domain.starting.start import StartDeps, StartRequest, TriggerReader, start_run


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


class Dropped(StrEnum):
    """Why a delivery has started no run. Nobody waits for an answer: it is logged."""

    NO_TRIGGER = "no such trigger"
    NOT_YET = "trigger not yet created"
    DISABLED = "trigger disabled"
    NO_FUNCTION = "no such function"
    BUS_NOT_PERMITTED = "not a bus that the workspace may listen to"
    NOT_ITS_OWN = "not of the trigger's workspace"

    @property
    def is_intended(self) -> bool:
        """Whether that is as people want it. Every other reason means that something is lost."""
        return self in (Dropped.DISABLED, Dropped.NOT_YET, Dropped.BUS_NOT_PERMITTED)


class Delivery(NamedTuple):
    trigger_id: str
    start_request: StartRequest


def read_delivery(document: JsonValue) -> Delivery:
    """`document` is what Lambda's runtime has read, more generously than this service reads. Raises InvalidRequest."""
    if not isinstance(document, dict):
        raise InvalidRequest("event", "must be a JSON object.")
    return _scheduled(document) if "scheduledTime" in document else _matched(document)


def _scheduled(document: JsonObject) -> Delivery:
    moment = ScheduledTime.read(document)
    trigger_id = required_id(moment.trigger_id, field="triggerId")
    parse_moment(moment.scheduled_time, field="scheduledTime")
    payload = {"scheduledTime": moment.scheduled_time}
    run_id = derived_id("schedule", trigger_id, moment.scheduled_time)
    return Delivery(
        trigger_id, StartRequest(ExecutionSource.SCHEDULED, payload, "scheduledTime", run_id, is_accepted=True)
    )


def _matched(document: JsonObject) -> Delivery:
    matched = MatchedEvent.read(document)
    trigger_id = required_id(matched.trigger_id, field="triggerId")
    event_id = matched.event.get("id")
    if not isinstance(event_id, str) or not FOREIGN_ID.fullmatch(event_id):
        raise InvalidRequest("event.id", "is required: it tells one event from another.")
    run_id = derived_id("event", trigger_id, event_id, *_replay(matched.event))
    return Delivery(trigger_id, StartRequest(ExecutionSource.EVENT, matched.event, "event", run_id, is_accepted=True))


def _replay(event: JsonObject) -> tuple[str, ...]:
    """The name of the archive replay that has sent the event again: what is wanted again is a run of its own.

    A replayed event keeps its id and has the replay's name beside it; EventBridge's own rule for archives knows it by
    that. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
    """
    name = event.get("replay-name")
    return (name,) if isinstance(name, str) and FOREIGN_ID.fullmatch(name) else ()


def deliver(
    delivery: Delivery, registry: TriggerReader, deps: StartDeps, *, buses: PermittedBuses
) -> FunctionRun | Dropped:
    """The run that it has started, now or when it was delivered before.

    A function that the workspace may no longer invoke is not asked for here: the run is kept, and fails at its claim.
    Raises TriggerUnreadable or Unavailable.
    """
    found = registry.read_trigger_with_function(delivery.trigger_id)
    if found is None:
        return Dropped.NO_TRIGGER
    stored, function = found
    reason = _reason_to_drop(stored.trigger, function, delivery, buses)
    return reason or start_run(stored, function, delivery.start_request, deps)


def _reason_to_drop(
    trigger: FunctionTrigger, function: ComputeFunction | None, delivery: Delivery, buses: PermittedBuses
) -> Dropped | None:
    payload = delivery.start_request.payload
    reasons = {
        Dropped.NO_TRIGGER: trigger.metadata.execution_source is not delivery.start_request.source,
        Dropped.NOT_YET: not trigger.confirmed,
        Dropped.DISABLED: not trigger.enabled,
        Dropped.NO_FUNCTION: function is None,
        # The event itself is not the workspace's to see any more: kept, it could be revealed.
        Dropped.BUS_NOT_PERMITTED: not buses.permit(trigger),
        Dropped.NOT_ITS_OWN: not trigger.metadata.accepts(payload, trigger.workspace),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
