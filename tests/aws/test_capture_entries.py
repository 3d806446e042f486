"""How a failure finds those who want it captured: at which cost, and whatever else is written or stands there."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws import capture_entries, keys
from handlers.aws.registry_store import RegistryStore
from handlers.aws.table import Table, to_item
from handlers.domain.errors import InvalidRequest, Stale
from handlers.domain.registry.entities import CaptureFailures, ComputeFunction
from handlers.domain.starting.captures import CapturingFunction
from tests.aws.registering import a_new_function, an_arn, capturing, found_capturing
from tests.faults.answers import cancelled
from tests.faults.client import injected

CALLS = ("Query", "BatchGetItem", "GetItem")


def found(registry: RegistryStore, arn: str) -> tuple[CapturingFunction | None, int]:
    """What a failure in one workspace finds, and how many calls it costs."""
    calls: list[str] = []

    def count(**sent: Any) -> None:
        calls.append(str(sent["event_name"]))

    events = registry._table._client.meta.events
    for call in CALLS:
        events.register(f"before-call.dynamodb.{call}", count)
    try:
        return registry.read_capturing(registry.registrations(arn)), len(calls)
    finally:
        for call in CALLS:
            events.unregister(f"before-call.dynamodb.{call}", count)


def entry(table: Table, function: ComputeFunction) -> dict[str, Any] | None:
    return table.get(capture_entries.key_of(function))


def registered(registry: RegistryStore, arn: str) -> ComputeFunction:
    function = registry.read_function(capturing(registry, arn)[0])
    assert function is not None
    return function


def changed(registry: RegistryStore, before: ComputeFunction, capture: CaptureFailures | None) -> ComputeFunction:
    after = before.evolve(capture_failures=capture, version=before.version + 1)
    registry.change_function(before, after)
    return after


def test_sixty_registrations_of_a_lambda_in_a_workspace_cost_a_failure_two_calls(registry: RegistryStore) -> None:
    arn = an_arn()
    ids = {capturing(registry, f"{arn}:alias-{number}")[0] for number in range(60)}
    assert {each.function_id for each in registry.registrations(arn)} == ids
    capture, calls = found(registry, arn)
    assert capture is not None
    assert calls == 2


def test_registrations_that_are_dead_cost_it_no_call_each(registry: RegistryStore, table: Table) -> None:
    arn = an_arn()
    for _ in range(60):
        capturing(registry, arn, confirmed=False)
    assert found(registry, arn) == (None, 4)
    left, _ = capturing(registry, arn)
    capture, calls = found(registry, arn)
    assert capture is not None
    assert capture.function.id == left
    assert calls <= 4


def test_whoever_registers_changes_and_deletes_at_once_loses_nobody_s_registration(
    registry: RegistryStore, table: Table
) -> None:
    arn = an_arn()
    functions = [registered(registry, arn) for _ in range(9)]
    ended = functions[:3]

    def act(number: int) -> str | None:
        if number < 3:
            changed(registry, functions[number], None)
        elif number < 6:
            registry.delete(functions[number])
        elif number < 9:
            return changed(registry, functions[number], CaptureFailures(trigger_id=str(uuid4()))).id
        else:
            return capturing(registry, arn)[0]
        return None

    with ThreadPoolExecutor(6) as callers:
        left = {each for each in callers.map(act, range(15)) if each}
    assert {each.function_id for each in registry.registrations(arn)} == left
    assert (entry(table, functions[0]) or {})[capture_entries._COUNT] == {"N": str(len(left))}
    assert not left & {each.id for each in ended}


def test_a_change_that_is_refused_leaves_the_entry_as_it_was(registry: RegistryStore, table: Table) -> None:
    function = registered(registry, an_arn())
    before = entry(table, function)
    changed(registry, function, function.capture_failures)
    assert entry(table, function) == before
    for refused in (None, CaptureFailures(trigger_id=str(uuid4()))):
        with pytest.raises(Stale):
            changed(registry, function, refused)
    with pytest.raises(Stale):
        registry.delete(function)
    assert entry(table, function) == before


def test_the_last_to_go_takes_the_entry_along_unless_somebody_has_come(registry: RegistryStore, table: Table) -> None:
    arn = an_arn()
    first, second = registered(registry, arn), registered(registry, arn)
    registry.delete(first)
    assert entry(table, first) is not None
    with injected(registry._table._client.meta.events, "dynamodb.TransactWriteItems", None, cancelled("None")):
        assert changed(registry, second, None).capture_failures is None, "an entry that stays does no harm"
    assert registry.registrations(arn) == []
    assert {each.function_id for each in [*registry.registrations(arn)]} == set()
    third = registered(registry, arn)
    assert [each.function_id for each in registry.registrations(arn)] == [third.id]
    registry.delete(third)
    assert entry(table, third) is None


def test_there_is_room_for_so_many_and_whoever_comes_later_is_told(
    registry: RegistryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture_entries, "MAX_REGISTRATIONS", 3)
    arn = an_arn()
    functions = [registered(registry, arn) for _ in range(3)]
    late = a_new_function().evolve(function_arn=arn)
    registry.add_function(late)
    capture = CaptureFailures(trigger_id=str(uuid4()))
    with pytest.raises(InvalidRequest, match="by 3 functions of this workspace") as refused:
        changed(registry, late, capture)
    assert refused.value.field == "captureFailures"
    assert registry.read_function(late.id) == late
    changed(registry, functions[0], capture)
    registry.delete(functions[1])
    assert changed(registry, late, capture).capture_failures == capture
    assert len(found_capturing(registry, arn)) == 1


@pytest.mark.parametrize("what", ["member", "function", "trigger"])
def test_what_cannot_be_read_is_reported_and_keeps_nobody_else_s_failures(
    table: Table, dynamodb: Any, registry: RegistryStore, what: str
) -> None:
    reported: list[Exception] = []
    arn = an_arn()
    broken, good = capturing(registry, arn), capturing(registry, arn, workspace="globex")
    key = {
        "member": keys.capture(arn, "acme"),
        "function": keys.registered("function", broken[0]),
        "trigger": keys.registered("trigger", broken[1]),
    }[what]
    dynamodb.update_item(
        TableName=table._name,
        Key=to_item(key),
        UpdateExpression="SET #name = :newer",
        ExpressionAttributeNames={"#name": broken[0] if what == "member" else "createdAt"},
        ExpressionAttributeValues=to_item({":newer": {"of": ["a newer release"]}}),
    )
    reporting = RegistryStore(table, report=reported.append)
    assert found_capturing(reporting, arn) == {good}
    assert len(reported) == 1
