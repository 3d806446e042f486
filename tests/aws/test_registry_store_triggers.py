"""What of triggers is particular to the table: who comes first of many, paging, items that cannot be read."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws import keys
from handlers.aws.registry_store import RegistryStore
from handlers.aws.table import Table, from_item, to_item
from handlers.domain import clock
from handlers.domain.errors import PathTaken, Stale
from handlers.domain.registry.entities import StoredTrigger
from tests.aws.registering import (
    a_path,
    a_webhook,
    an_arn,
    capturing,
    changed,
    soon,
    stored,
    unfinished_after_a_while,
)
from tests.builders import FUNCTION_ARN, a_function, a_trigger


def test_of_ten_who_want_a_path_at_once_one_gets_it(registry: RegistryStore) -> None:
    path = a_path()

    def create(_: int) -> bool:
        try:
            stored(registry, **a_webhook(path))
        except PathTaken:
            return False
        return True

    with ThreadPoolExecutor(10) as callers:
        assert list(callers.map(create, range(10))).count(True) == 1


def test_of_ten_who_hold_a_trigger_at_once_one_does(registry: RegistryStore) -> None:
    trigger = stored(registry)

    def hold(number: int) -> bool:
        try:
            registry.lock_trigger(trigger, soon() + timedelta(seconds=number))
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(10) as editors:
        assert list(editors.map(hold, range(10))).count(True) == 1


def test_more_are_unfinished_than_a_page_holds(registry: RegistryStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.aws.registry_store.UNFINISHED_PAGE", 2)
    past = clock.now() - timedelta(seconds=1)
    ids = {stored(registry, locked_until=past).id for _ in range(5)}
    assert {each.trigger.id for each in unfinished_after_a_while(registry, ids)} >= ids


@pytest.mark.parametrize("options", ["ended", "function deleted"])
def test_of_a_function_that_no_longer_captures_nothing_is_left(
    registry: RegistryStore, dynamodb: Any, table: Table, options: str
) -> None:
    arn = an_arn()
    function_id, _ = capturing(registry, arn)
    function = registry.read_function(function_id)
    assert function is not None
    if options == "ended":
        registry.change_function(function, function.model_copy(update={"capture_failures": None, "version": 2}))
    else:
        registry.delete(function)
    left = dynamodb.query(
        TableName=table._name,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues=to_item({":pk": keys.capture(arn, "")["pk"]}),
    )
    assert left["Items"] == []


def test_an_item_without_its_optional_attributes_is_read(registry: RegistryStore, dynamodb: Any, table: Table) -> None:
    trigger_id, function_id = str(uuid4()), str(uuid4())
    plain = {"workspace": "acme", "version": 1, "schema": 1, "byWorkspace": "none", "position": "none"}
    plain |= {"createdAt": "2026-11-22T09:30:00.000Z", "updatedAt": "2026-11-22T09:30:00.000Z"}
    function = plain | {"id": function_id, "name": str(uuid4()), "functionArn": FUNCTION_ARN}
    trigger = plain | {"id": trigger_id, "name": str(uuid4()), "functionId": function_id, "enabled": True}
    trigger |= {"executionType": "on-demand", "triggerMetadata": {}, "sealedParams": b"sealed"}
    for kind, item in (("FUNCTION", function), ("TRIGGER", trigger)):
        key = f"{kind}#{item['id']}"
        dynamodb.put_item(TableName=table._name, Item=to_item(item | {"pk": key, "sk": key}))
    expected = a_trigger(id=trigger_id, name=trigger["name"], function_id=function_id)
    assert registry.read_trigger(trigger_id) == StoredTrigger(expected, b"sealed", None)
    assert registry.read_function(function_id) == a_function(id=function_id, name=function["name"])
    assert expected.confirmed
    locked = registry.lock_trigger(expected, soon())
    after = changed(registry, locked, enabled=False, locked_until=None)
    assert registry.read_trigger(trigger_id) == StoredTrigger(after, b"sealed")
    item = dynamodb.get_item(TableName=table._name, Key=to_item(keys.registered("trigger", trigger_id)))["Item"]
    assert not from_item(item).keys() & {"lockedUntil", "due", "dueAt"}


def test_a_trigger_that_cannot_be_read_does_not_keep_the_others_waiting(
    registry: RegistryStore, dynamodb: Any, table: Table
) -> None:
    past = clock.now() - timedelta(seconds=1)
    unreadable, good = stored(registry, locked_until=past), stored(registry, locked_until=past)
    key = to_item(keys.registered("trigger", unreadable.id))
    dynamodb.update_item(
        TableName=table._name,
        Key=key,
        UpdateExpression="SET executionType = :kind",
        ExpressionAttributeValues=to_item({":kind": "of a newer release"}),
    )
    try:
        assert good.id in {each.trigger.id for each in registry.unfinished_triggers()}
    finally:
        dynamodb.delete_item(TableName=table._name, Key=key)
