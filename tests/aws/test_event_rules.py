"""What the adapter makes of EventBridge: botocore checks its requests against AWS's own model."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from handlers.aws.event_rules import EventRules
from handlers.domain.errors import BusMissing, InvalidRequest, Misconfigured, SourceLimitReached, Unavailable
from handlers.domain.registry.entities import FunctionTrigger
from infra.local.local_stack import LocalStack
from tests.builders import a_trigger, listening
from tests.faults.answers import answer, error, throttled
from tests.faults.client import injected

TARGET = "arn:aws:lambda:us-east-1:000000000000:function:on-event"
PATTERN = {"source": ["shop"]}
SCOPED = {"source": ["shop"], "detail": {"workspace": ["acme"]}}
CHECK, PUT, PUT_TARGETS = "events.TestEventPattern", "events.PutRule", "events.PutTargets"
REMOVE_TARGETS, DELETE = "events.RemoveTargets", "events.DeleteRule"


@pytest.fixture
def events(local_stack: LocalStack) -> Any:
    return local_stack.client("events")


@pytest.fixture
def bus(events: Any) -> Iterator[str]:
    name = f"rules-{uuid4().hex[:8]}"
    events.create_event_bus(Name=name)
    yield name
    for rule in found(events, name):
        events.remove_targets(Rule=rule["Name"], EventBusName=name, Ids=[each["Id"] for each in rule["targets"]])
        events.delete_rule(Name=rule["Name"], EventBusName=name)
    events.delete_event_bus(Name=name)


@pytest.fixture
def rules(events: Any, bus: str) -> EventRules:
    return EventRules(events, own_bus=bus, prefix="test", target_arn=TARGET)


def matching(bus: str | None = None, pattern: dict[str, Any] = PATTERN, **changes: Any) -> FunctionTrigger:
    literals: dict[str, Any] = {"id": str(uuid4()), "metadata": listening(pattern, bus)}
    return a_trigger(**literals | changes)


def check_and_put(rules: EventRules) -> None:
    rules.check(matching())
    rules.put(matching())


def found(events: Any, bus: str) -> list[dict[str, Any]]:
    """The rules of a bus, each with its targets."""
    return [
        rule
        | {"targets": events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"] or [{"Id": "none"}]}
        for rule in events.list_rules(EventBusName=bus)["Rules"]
    ]


def test_a_rule_hands_the_event_over_whole_with_the_trigger_that_it_is_for(
    events: Any, rules: EventRules, bus: str
) -> None:
    trigger = matching()
    rules.put(trigger)
    (rule,) = found(events, bus)
    assert (rule["Name"], rule["State"]) == (f"test-{trigger.id}", "ENABLED")
    assert json.loads(rule["EventPattern"]) == SCOPED
    (target,) = rule["targets"]
    assert target["Arn"] == TARGET
    template = target["InputTransformer"]["InputTemplate"]
    assert json.loads(template.replace("<aws.events.event.json>", '{"id":1}')) == {
        "triggerId": trigger.id,
        "event": {"id": 1},
    }


def test_put_twice_is_one_and_put_after_a_change_is_changed(events: Any, rules: EventRules, bus: str) -> None:
    trigger = matching()
    rules.put(trigger)
    rules.put(trigger)
    (rule,) = found(events, bus)
    assert len(rule["targets"]) == 1
    rules.put(matching(id=trigger.id, pattern={"source": ["till"]}, enabled=False))
    (rule,) = found(events, bus)
    assert (json.loads(rule["EventPattern"]), rule["State"]) == (SCOPED | {"source": ["till"]}, "DISABLED")
    rules.put(trigger)
    assert [each["State"] for each in found(events, bus)] == ["ENABLED"]


def test_a_trigger_of_another_bus_has_its_rule_there(events: Any, rules: EventRules, bus: str) -> None:
    other = f"other-{uuid4().hex[:8]}"
    events.create_event_bus(Name=other)
    trigger = matching(other)
    rules.put(trigger)
    assert not found(events, bus)
    assert [json.loads(rule["EventPattern"]) for rule in found(events, other)] == [PATTERN]
    rules.remove(trigger)
    assert not found(events, other)
    events.delete_event_bus(Name=other)


def test_a_rule_that_never_got_its_target_is_removed_too(events: Any, rules: EventRules, bus: str) -> None:
    trigger = matching()
    with injected(events.meta.events, PUT_TARGETS, *[throttled()] * 6), pytest.raises(Unavailable):
        rules.put(trigger)
    assert len(found(events, bus)) == 1
    rules.remove(trigger)
    assert not found(events, bus)


def test_a_bus_that_is_gone_is_refused_by_its_field_unless_nothing_is_to_be_listened_for(
    events: Any, rules: EventRules
) -> None:
    bus = f"none-{uuid4().hex[:8]}"
    missing = error(400, "ResourceNotFoundException", f"Event bus {bus} does not exist.")
    with injected(events.meta.events, PUT, missing), pytest.raises(BusMissing) as refused:
        rules.put(matching(bus))
    assert refused.value.field == "triggerMetadata.eventBusName"
    with injected(events.meta.events, PUT, missing):
        rules.put(matching(bus, enabled=False))


def test_the_stack_s_own_bus_cannot_be_gone_without_somebody_having_to_mend_it(events: Any, rules: EventRules) -> None:
    missing = error(400, "ResourceNotFoundException")
    with injected(events.meta.events, PUT, missing), pytest.raises(Misconfigured):
        rules.put(matching())


def test_a_rule_whose_bus_is_gone_is_gone(rules: EventRules) -> None:
    rules.remove(matching(f"none-{uuid4().hex[:8]}"))


def test_eventbridge_is_asked_about_a_pattern_and_nothing_is_changed(events: Any, rules: EventRules, bus: str) -> None:
    with injected(events.meta.events, CHECK) as request:
        rules.check(matching())
    assert request == [CHECK]
    assert not found(events, bus)


@pytest.mark.parametrize("operation", [CHECK, PUT])
def test_a_pattern_that_eventbridge_does_not_read_is_refused_by_its_field(
    events: Any, rules: EventRules, bus: str, operation: str
) -> None:
    refusal = error(400, "InvalidEventPatternException", "Event pattern is not valid. Reason: hush")
    with injected(events.meta.events, operation, refusal), pytest.raises(InvalidRequest) as refused:
        check_and_put(rules)
    assert refused.value.field == "triggerMetadata.eventPattern"
    assert "hush" not in refused.value.message
    assert isinstance(refused.value.__cause__, ClientError)
    assert not found(events, bus)


@pytest.mark.parametrize(
    ("sentence", "flaw"),
    [
        ('"hush" must be an object or an array', ": each field needs an object, or a list of what it may be"),
        ("Empty arrays are not allowed", ": it has an empty list"),
        ("Unrecognized match type hush", ": it has a match operator that EventBridge does not know"),
        ("Unrecognized numeric range operator: hush", ": a numeric match has the operators = < <= > >= only"),
        ("prefix match pattern must be a string", ": a match operator has a value of the wrong type"),
        ("Unexpected character hush", ""),
    ],
)
def test_what_is_wrong_with_a_pattern_is_said_and_nothing_of_it_is_quoted(
    events: Any, rules: EventRules, sentence: str, flaw: str
) -> None:
    quoted = """at [Source: (String)"{"hush":["Empty objects are not allowed"]}"; line: 1, column: 8]"""
    said = error(400, "InvalidEventPatternException", f"Event pattern is not valid. Reason: {sentence}\n {quoted}")
    with injected(events.meta.events, CHECK, said), pytest.raises(InvalidRequest) as refused:
        rules.check(matching())
    expected = f"triggerMetadata.eventPattern: is not a pattern that EventBridge reads{flaw}."
    assert refused.value.message == expected


@pytest.mark.parametrize("operation", [PUT, PUT_TARGETS])
def test_a_bus_that_is_full_takes_no_more(events: Any, rules: EventRules, operation: str) -> None:
    full = error(400, "LimitExceededException")
    with injected(events.meta.events, operation, *[full] * 6), pytest.raises(SourceLimitReached):
        rules.put(matching())


def failed(code: str) -> Any:
    entry = {"TargetId": "on-event", "ErrorCode": code, "ErrorMessage": "injected"}
    return answer(200, {"FailedEntryCount": 1, "FailedEntries": [entry]})


DENIED = error(400, "AccessDeniedException")
FAULTS = {
    "throttled": throttled(),
    "internal": error(500, "InternalException"),
    "concurrent": error(400, "ConcurrentModificationException"),
    "denied": DENIED,
    "connection": ConnectTimeoutError(endpoint_url="http://injected"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("operation", [CHECK, PUT, PUT_TARGETS])
def test_every_other_fault_may_pass(events: Any, rules: EventRules, operation: str, fault: Any) -> None:
    with injected(events.meta.events, operation, *[fault] * 6), pytest.raises(Unavailable) as unavailable:
        check_and_put(rules)
    assert unavailable.value.__cause__ is not None
    assert isinstance(unavailable.value, Misconfigured) is (fault is DENIED)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("operation", [REMOVE_TARGETS, DELETE])
def test_a_removal_that_fails_leaves_what_the_next_one_removes(
    events: Any, rules: EventRules, bus: str, operation: str, fault: Any
) -> None:
    trigger = matching()
    rules.put(trigger)
    with injected(events.meta.events, operation, *[fault] * 6), pytest.raises(Unavailable):
        rules.remove(trigger)
    assert len(found(events, bus)) == 1
    rules.remove(trigger)
    assert not found(events, bus)


def test_a_target_that_was_not_taken_is_a_fault(events: Any, rules: EventRules) -> None:
    with (
        injected(events.meta.events, PUT_TARGETS, failed("ConcurrentModificationException")),
        pytest.raises(Unavailable),
    ):
        rules.put(matching())


@pytest.mark.parametrize(
    ("code", "gone"), [("ResourceNotFoundException", True), ("ConcurrentModificationException", False)]
)
def test_a_target_that_was_not_removed_is_a_fault_unless_it_is_gone(
    events: Any, rules: EventRules, code: str, gone: bool
) -> None:
    deleted = answer(200, {})
    with injected(events.meta.events, REMOVE_TARGETS, failed(code)), injected(events.meta.events, DELETE, deleted):
        if gone:
            rules.remove(matching())
        else:
            with pytest.raises(Unavailable):
                rules.remove(matching())


def test_a_target_that_is_not_removed_for_now_wakes_nobody_though_its_rule_cannot_be_deleted(
    events: Any, rules: EventRules, bus: str
) -> None:
    trigger = matching()
    rules.put(trigger)
    passing = failed("ConcurrentModificationException")
    with injected(events.meta.events, REMOVE_TARGETS, passing), pytest.raises(Unavailable) as fault:
        rules.remove(trigger)
    assert type(fault.value) is Unavailable
    rules.remove(trigger)
    assert not found(events, bus)
