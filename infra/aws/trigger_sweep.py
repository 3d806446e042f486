"""The rules and schedules of triggers, which the service made and the stack does not know.

AWS deletes no bus that has rules, and rules on other buses would be left behind without their target.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from infra.aws.target import Target

# A rule is called {stack}-{trigger id}; rules of the stack itself have names that CloudFormation makes.
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


class Rule(NamedTuple):
    bus: str
    name: str
    target_ids: list[str]


class Sources(NamedTuple):
    """`foreign` are rules that are named like ours and call something else: they are left alone."""

    rules: list[Rule]
    schedules: list[str]
    foreign: list[Rule]

    def __bool__(self) -> bool:
        return bool(self.rules or self.schedules)


class SourceNotDeletedError(RuntimeError):
    """EventBridge did not let go of a rule's targets."""


def find_sources(target: Target) -> Sources:
    """All of this stack's in the account and region, on whatever bus. Raises ClientError or BotoCoreError."""
    ours: list[Rule] = []
    foreign: list[Rule] = []
    for bus in _buses(target):
        for name in _rule_names(target, bus):
            targets = _targets(target, bus, name)
            rule = Rule(bus, name, [each["Id"] for each in targets])
            # One that was left half-made has no target yet.
            is_ours = all(each["Arn"] == target.on_event_arn for each in targets)
            (ours if is_ours else foreign).append(rule)
    return Sources(ours, _schedules(target), foreign)


def delete_sources(target: Target, sources: Sources, report: Callable[[str], None]) -> None:
    """What is gone already counts as deleted. Raises SourceNotDeletedError, ClientError or BotoCoreError."""
    events, scheduler = target.client("events"), target.client("scheduler")
    for name in sources.schedules:
        report(f"schedule {name}")
        try:
            scheduler.delete_schedule(GroupName=target.schedule_group, Name=name)
        except scheduler.exceptions.ResourceNotFoundException:
            continue
    for rule in sources.rules:
        report(f"rule {rule.name} on {rule.bus}")
        try:
            _delete_rule(events, rule)
        except events.exceptions.ResourceNotFoundException:
            continue


def _delete_rule(events: Any, rule: Rule) -> None:
    if rule.target_ids:
        answer = events.remove_targets(Rule=rule.name, EventBusName=rule.bus, Ids=rule.target_ids)
        if answer["FailedEntryCount"]:
            raise SourceNotDeletedError(f"EventBridge keeps targets of the rule {rule.name} on {rule.bus}. Try again.")
    events.delete_rule(Name=rule.name, EventBusName=rule.bus)


def _buses(target: Target) -> Iterator[str]:
    events, page = target.client("events"), dict[str, str]()
    while True:
        answer = events.list_event_buses(**page)
        yield from (bus["Name"] for bus in answer["EventBuses"])
        if "NextToken" not in answer:
            return
        page = {"NextToken": answer["NextToken"]}


def _rule_names(target: Target, bus: str) -> list[str]:
    pages = (
        target.client("events").get_paginator("list_rules").paginate(NamePrefix=f"{target.stack}-", EventBusName=bus)
    )
    own = re.compile(rf"{re.escape(target.stack)}-{_ID}")
    rules = (rule for page in pages for rule in page["Rules"])
    return [rule["Name"] for rule in rules if own.fullmatch(rule["Name"]) and not rule.get("ManagedBy")]


def _targets(target: Target, bus: str, rule: str) -> list[dict[str, Any]]:
    pages = target.client("events").get_paginator("list_targets_by_rule").paginate(Rule=rule, EventBusName=bus)
    return [each for page in pages for each in page["Targets"]]


def _schedules(target: Target) -> list[str]:
    scheduler = target.client("scheduler")
    pages = scheduler.get_paginator("list_schedules").paginate(GroupName=target.schedule_group)
    try:
        return [schedule["Name"] for page in pages for schedule in page["Schedules"]]
    except scheduler.exceptions.ResourceNotFoundException:
        return []  # the group is gone
