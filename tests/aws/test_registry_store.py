from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws import keys
from handlers.aws.registry_store import RegistryStore
from handlers.aws.table import Table, to_item
from handlers.domain.errors import NameTaken, Stale
from handlers.domain.paging import Page
from handlers.domain.registry.entities import Kind
from handlers.domain.registry.event_driven import EventDriven
from tests.aws.registering import a_new_function, stored
from tests.builders import NOW, a_function


def test_of_twenty_who_register_a_name_at_once_one_gets_it(registry: RegistryStore) -> None:
    name = f"orders {uuid4()}"

    def register(_: int) -> bool:
        try:
            registry.add_function(a_new_function(name))
        except NameTaken:
            return False
        return True

    with ThreadPoolExecutor(10) as callers:
        assert list(callers.map(register, range(20))).count(True) == 1


def test_of_ten_who_change_a_version_at_once_one_does(registry: RegistryStore) -> None:
    before = a_new_function()
    registry.add_function(before)

    def change(number: int) -> bool:
        try:
            registry.change_function(
                before, before.model_copy(update={"name": f"{before.name} {number}", "version": 2})
            )
        except Stale:
            return False
        return True

    with ThreadPoolExecutor(10) as editors:
        assert list(editors.map(change, range(10))).count(True) == 1


def test_deletes_and_registrations_in_parallel_answer_in_our_words(registry: RegistryStore) -> None:
    function = a_new_function()
    registry.add_function(function)

    def act(number: int) -> None:
        try:
            if number % 2:
                registry.delete(function)
            else:
                registry.add_function(a_new_function(function.name))
        except NameTaken:
            return

    with ThreadPoolExecutor(10) as callers:
        errors = [future.exception() for future in [callers.submit(act, number) for number in range(20)]]
    assert errors == [None] * 20


# What an item of another release may look like: each breaks a reader in its own way.
UNREADABLE: dict[str, dict[str, Any]] = {
    "no such field": {"name": None},
    "another type": {"createdAt": {"S": {"year": 2026}}},
    "a list for a text": {"updatedAt": [7]},
    "a policy that is no JSON": {"retryPolicy": "{"},
    "a policy of another form": {"retryPolicy": '{"maxRetries":{}}'},
    "a policy too deep": {"retryPolicy": "[" * 10_000},
    "no moment": {"createdAt": "the day before yesterday"},
    "no seal": {"sealedParams": None},
    "another kind": {"executionType": "of a newer release", "functionArn": None},
}


@pytest.mark.parametrize("kind", ["function", "trigger"])
@pytest.mark.parametrize("flaw", UNREADABLE)
def test_an_item_that_cannot_be_read_is_reported_and_left_out_of_a_list(
    table: Table, dynamodb: Any, kind: Kind, flaw: str
) -> None:
    reported: list[Exception] = []
    registry = RegistryStore(table, report=reported.append)
    workspace = f"ws-{uuid4()}"
    changes = UNREADABLE[flaw]
    ids = [str(uuid4()) for _ in range(3)]
    for number, id_ in enumerate(ids):
        at = NOW + timedelta(seconds=number)
        if kind == "function":
            registry.add_function(a_function(id=id_, name=id_, workspace=workspace, created_at=at))
        else:
            stored(registry, id=id_, workspace=workspace, created_at=at)
    update_item(dynamodb, table, keys.registered(kind, ids[1]), changes)
    is_broken = any(name in _READ[kind] for name in changes)

    def listed(page: Page) -> tuple[list[str], str | None]:
        if kind == "function":
            functions, position = registry.list_functions(workspace, page)
            return [each.id for each in functions], position
        triggers, position = registry.list_triggers(workspace, page)
        return [each.id for each in triggers], position

    readable = [ids[2], ids[0]] if is_broken else ids[::-1]
    assert listed(Page(10)) == (readable, None)
    assert len(reported) == is_broken
    first, position = listed(Page(2))
    assert first == readable[: 1 if is_broken else 2]
    assert listed(Page(2, position)) == ([ids[0]], None), "and the page after it goes on from there"


_READ = {
    "function": {"name", "createdAt", "updatedAt", "functionArn"},
    "trigger": {"name", "createdAt", "updatedAt", "retryPolicy", "sealedParams", "executionType"},
}


def update_item(dynamodb: Any, table: Table, key: dict[str, str], changes: dict[str, Any]) -> None:
    """Sets what is not None, and removes the others."""
    sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
    removes = [f"#{name}" for name, value in changes.items() if value is None]
    values = {f":{name}": value for name, value in changes.items() if value is not None}
    expressions = [f"SET {', '.join(sets)}"] * bool(sets) + [f"REMOVE {', '.join(removes)}"] * bool(removes)
    dynamodb.update_item(
        TableName=table._name,
        Key=to_item(key),
        UpdateExpression=" ".join(expressions),
        ExpressionAttributeNames={f"#{name}": name for name in changes},
        **({"ExpressionAttributeValues": to_item(values)} if values else {}),
    )


def test_a_pattern_that_cannot_be_read_is_shown_as_the_text_that_it_is() -> None:
    source = EventDriven.from_item({"eventPattern": "{of a newer release"})
    assert source.document() == {"eventPattern": "{of a newer release"}
