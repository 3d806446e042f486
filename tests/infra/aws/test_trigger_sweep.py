"""Before a stack is deleted, the rules and schedules of its triggers are: all of them, wherever, and no others."""

import json
from typing import Any
from uuid import uuid4

import pytest

from infra.aws.target import Target
from infra.aws.trigger_sweep import SourceNotDeletedError, delete_sources, find_sources

TARGET_ID = "on-event"


def a_bus(target: Target, name: str) -> str:
    target.client("events").create_event_bus(Name=name)
    return name


def a_rule(target: Target, bus: str, name: str | None = None, *, calls: tuple[str, ...] | None = None) -> str:
    """Of a trigger of the stack, unless it is named otherwise or calls something else."""
    events, name = target.client("events"), name or f"{target.stack}-{uuid4()}"
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps({"source": ["shop"]}))
    arns = (target.on_event_arn,) if calls is None else calls
    if arns:
        targets = [{"Id": f"{TARGET_ID}{number}", "Arn": arn} for number, arn in enumerate(arns)]
        events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
    return name


def a_schedule(target: Target) -> str:
    name = str(uuid4())
    target.client("scheduler").create_schedule(
        GroupName=target.schedule_group,
        Name=name,
        ScheduleExpression="rate(1 day)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target.on_event_arn, "RoleArn": f"arn:aws:iam::{target.account}:role/scheduler"},
    )
    return name


def rules_on(target: Target, bus: str) -> set[str]:
    answer = target.client("events").list_rules(EventBusName=bus, NamePrefix=target.stack)
    return {rule["Name"] for rule in answer["Rules"]}


def swept(target: Target) -> list[str]:
    """What was reported as deleted."""
    reported: list[str] = []
    delete_sources(target, find_sources(target), reported.append)
    return reported


def test_rules_go_from_every_bus_and_schedules_from_their_group(target: Target) -> None:
    own, other = a_bus(target, f"{target.stack}-triggers"), a_bus(target, f"{target.stack}-orders")
    target.client("scheduler").create_schedule_group(Name=target.schedule_group)
    rules = {bus: {a_rule(target, bus) for _ in range(3)} for bus in (own, other, "default")}
    schedules = {a_schedule(target) for _ in range(3)}
    assert {rule.name for rule in find_sources(target).rules} == set().union(*rules.values())
    assert len(swept(target)) == 9 + len(schedules)
    assert not find_sources(target)
    assert all(rules_on(target, bus) == set() for bus in rules)


def test_more_rules_go_than_one_page_tells_of(target: Target) -> None:
    bus = a_bus(target, f"{target.stack}-triggers")
    for _ in range(105):
        a_rule(target, bus)
    assert len(swept(target)) == 105
    assert rules_on(target, bus) == set()


class Paged:
    """EventBridge with a page for each bus."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def list_event_buses(self, *, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803 - AWS's name
        buses, position = self._client.list_event_buses()["EventBuses"], int(NextToken)
        more = {"NextToken": str(position + 1)} if position + 1 < len(buses) else {}
        return {"EventBuses": buses[position : position + 1], **more}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_buses_are_looked_for_on_every_page(target: Target) -> None:
    bus = a_bus(target, f"{target.stack}-orders")
    rule = a_rule(target, bus)
    paged = target._replace(client=lambda name: Paged(target.client(name)) if name == "events" else target.client(name))
    assert [each.name for each in find_sources(paged).rules] == [rule]


@pytest.mark.parametrize(
    "name",
    [
        "{stack}-EveryMinute2BBCEA8F-1X2Y3Z",
        "{stack}-staging-550e8400-e29b-41d4-a716-446655440000",
        "{stack}-550e8400-e29b-41d4-a716-446655440000x",
        "{stack}-550E8400-E29B-41D4-A716-446655440000",
        "{stack}2-550e8400-e29b-41d4-a716-446655440000",
        "Other{stack}-550e8400-e29b-41d4-a716-446655440000"[:64],
    ],
)
def test_a_rule_of_another_name_stays(target: Target, name: str) -> None:
    bus = a_bus(target, f"{target.stack}-orders")
    a_rule(target, bus, name.format(stack=target.stack))
    assert find_sources(target).rules == []
    assert swept(target) == []


@pytest.mark.parametrize("beside", [(), ("own",)])
def test_a_rule_that_calls_something_else_stays_and_is_shown(target: Target, beside: tuple[str, ...]) -> None:
    bus = a_bus(target, f"{target.stack}-orders")
    stranger = f"arn:aws:sqs:{target.region}:{target.account}:a-queue"
    rule = a_rule(target, bus, calls=(stranger, *(target.on_event_arn for _ in beside)))
    assert [each.name for each in find_sources(target).foreign] == [rule]
    assert swept(target) == []
    assert rules_on(target, bus) == {rule}


def test_a_rule_that_was_left_without_a_target_goes(target: Target) -> None:
    bus = a_bus(target, f"{target.stack}-orders")
    a_rule(target, bus, calls=())
    assert len(swept(target)) == 1
    assert rules_on(target, bus) == set()


def test_without_group_and_rules_there_is_nothing_to_delete(target: Target) -> None:
    sources = find_sources(target)
    assert (sources.rules, sources.schedules, bool(sources)) == ([], [], False)


def test_what_is_gone_meanwhile_is_no_failure(target: Target) -> None:
    bus = a_bus(target, f"{target.stack}-orders")
    target.client("scheduler").create_schedule_group(Name=target.schedule_group)
    a_rule(target, bus)
    a_schedule(target)
    sources = find_sources(target)
    swept(target)
    delete_sources(target, sources, lambda _: None)
    assert not find_sources(target)


class Stubborn(Paged):
    def remove_targets(self, **_: Any) -> dict[str, Any]:
        return {"FailedEntryCount": 1, "FailedEntries": [{"TargetId": TARGET_ID, "ErrorCode": "InternalException"}]}


def test_a_rule_whose_targets_stay_is_told_of(target: Target) -> None:
    bus = a_bus(target, f"{target.stack}-orders")
    rule = a_rule(target, bus)
    stubborn = target._replace(client=lambda name: Stubborn(target.client(name)))
    with pytest.raises(SourceNotDeletedError, match=rule):
        delete_sources(stubborn, find_sources(target), lambda _: None)
