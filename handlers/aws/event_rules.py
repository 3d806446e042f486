"""EventBridge rules: one for each event-driven trigger, on the stack's trigger bus or another one."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from handlers.aws import aws_errors
from handlers.domain.errors import BusMissing, InvalidRequest, Refused, SourceLimitReached
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.event_driven import BUS_FIELD, PATTERN_FIELD, EventDriven
from handlers.domain.starting.deliveries import MatchedEvent

if TYPE_CHECKING:
    from mypy_boto3_events import EventBridgeClient

# What TestEventPattern wants to have beside the pattern. Whether it matches is not the question.
_ANY_EVENT = {
    "id": "0",
    "detail-type": "any",
    "source": "any",
    "account": "123456789012",
    "time": "2026-01-01T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": {},
}
# EventBridge puts the event here. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
WHOLE_EVENT = "<aws.events.event.json>"
_TARGET = "on-event"
# Parts of the sentences in which EventBridge says why it refuses a pattern, and what they mean to its author.
# https://github.com/aws/event-ruler/blob/main/src/main/software/amazon/event/ruler/JsonRuleCompiler.java
_FLAWS = {
    "must be an object or an array": "each field needs an object, or a list of what it may be",
    "Empty objects are not allowed": "it has an empty object",
    "Empty arrays are not allowed": "it has an empty list",
    "Match value must be": "a list of values may hold texts, numbers, true, false, null and match expressions only",
    "Only one key allowed": "a match expression has exactly one operator",
    "Match expression name not found": "a match expression has exactly one operator",
    "Unrecognized match type": "it has a match operator that EventBridge does not know",
    "must be numeric": "a numeric match compares with numbers",
    "numeric range operator": "a numeric match has the operators = < <= > >= only",
    "numeric": "it has a numeric match that is not complete, or has too many terms",
    "match pattern must be": "a match operator has a value of the wrong type",
    "nything-but": "it has an anything-but that matches neither texts nor numbers",
    "$or": "$or needs a list of two objects or more",
}
_GONE = "ResourceNotFoundException"


class EventRules:
    def __init__(self, client: "EventBridgeClient", *, own_bus: str, prefix: str, target_arn: str) -> None:
        """`target_arn` is the Lambda that rules call; `prefix` begins the names of all rules of this stack."""
        self._client = client
        self._own_bus = own_bus
        self._prefix = prefix
        self._target_arn = target_arn

    def check(self, trigger: FunctionTrigger) -> None:
        with aws_errors.translated():
            try:
                self._client.test_event_pattern(EventPattern=_pattern(trigger), Event=json.dumps(_ANY_EVENT))
            except self._client.exceptions.InvalidEventPatternException as error:
                raise _refused_pattern(str(error)) from error

    def put(self, trigger: FunctionTrigger) -> None:
        rule, bus, pattern = self._name(trigger), self._bus(trigger), _pattern(trigger)
        state = "ENABLED" if trigger.enabled else "DISABLED"
        # The event goes in whole, as EventBridge has it, with the trigger that it is for.
        template = MatchedEvent.text(trigger.id, WHOLE_EVENT)
        target = {"Id": _TARGET, "Arn": self._target_arn, "InputTransformer": {"InputTemplate": template}}
        missing_bus = {} if bus == self._own_bus else {_GONE: BusMissing(BUS_FIELD)}
        try:
            with aws_errors.translated(_refusals() | missing_bus):
                self._client.put_rule(Name=rule, EventBusName=bus, EventPattern=pattern, State=state)  # type: ignore[arg-type]
        except BusMissing:
            if trigger.enabled:
                raise
            return  # a disabled trigger needs no rule
        with aws_errors.translated(_refusals()):
            answer = self._client.put_targets(Rule=rule, EventBusName=bus, Targets=[target])  # type: ignore[list-item]
        _check_entries(answer["FailedEntries"])

    def remove(self, trigger: FunctionTrigger) -> None:
        rule, bus = self._name(trigger), self._bus(trigger)
        with aws_errors.translated():
            try:
                answer = self._client.remove_targets(Rule=rule, EventBusName=bus, Ids=[_TARGET])
                # First, because a rule that still has a target is refused: why it has, only the entry says.
                _check_entries([entry for entry in answer["FailedEntries"] if entry.get("ErrorCode") != _GONE])
                self._client.delete_rule(Name=rule, EventBusName=bus)
            except self._client.exceptions.ResourceNotFoundException:
                return  # it never came to be, or this is a repetition

    def _name(self, trigger: FunctionTrigger) -> str:
        return f"{self._prefix}-{trigger.id}"

    def _bus(self, trigger: FunctionTrigger) -> str:
        return trigger.metadata.other_bus or self._own_bus


def _pattern(trigger: FunctionTrigger) -> str:
    if not isinstance(trigger.metadata, EventDriven):
        raise TypeError(f"{type(trigger.metadata).__name__} has no event pattern")
    return trigger.metadata.rule_pattern(trigger.workspace)


def _check_entries(failed: Sequence[Any]) -> None:
    """Raises Unavailable if there is an entry that failed."""
    for entry in failed:
        code = entry.get("ErrorCode", "")
        refused = aws_errors.EntryRefused(code)
        raise aws_errors.fault(refused, passes=aws_errors.is_passing_code(code)) from refused


def _refused_pattern(message: str = "") -> InvalidRequest:
    """`message` is EventBridge's: `… Reason: <sentence> at [Source: (String)"<the pattern>"; …`. It is not quoted."""
    sentence = message.partition("Reason:")[2].partition("at [Source:")[0]
    flaw = next((flaw for part, flaw in _FLAWS.items() if part in sentence), None)
    return InvalidRequest(PATTERN_FIELD, f"is not a pattern that EventBridge reads{f': {flaw}' if flaw else ''}.")


def _refusals() -> dict[str, Refused]:
    return {
        "InvalidEventPatternException": _refused_pattern(),
        "LimitExceededException": SourceLimitReached(),
    }
