"""Paths, holds, captures: what the registry store keeps for triggers, and how it finds them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws import keys
from handlers.aws.registry_store import RegistryStore
from handlers.aws.table import Table, from_item, to_item
from handlers.domain import clock
from handlers.domain.errors import NameTaken, PathTaken, Stale
from handlers.domain.registry.entities import StoredTrigger
from handlers.domain.registry.http_trigger import HttpTrigger
from handlers.domain.registry.schedules import CronSchedule, IntervalSchedule, OneTimeSchedule
from handlers.domain.registry.trigger_kinds import OnDemand
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from tests.aws.registering import (
    a_new_function,
    a_new_trigger,
    a_path,
    a_webhook,
    an_arn,
    capturing,
    changed,
    found_at,
    found_capturing,
    soon,
    stored,
    unfinished_after_a_while,
)
from tests.builders import FUNCTION_ARN, a_function, a_trigger, listening


class TestPaths:
    def test_a_path_is_one_trigger_s_in_each_workspace(self, registry: RegistryStore) -> None:
        path = a_path()
        mine = stored(registry, **a_webhook(path))
        with pytest.raises(PathTaken):
            stored(registry, **a_webhook(path))
        theirs = stored(registry, **a_webhook(path, workspace="globex"))
        assert (found_at(registry, path), found_at(registry, path, "globex")) == (mine.id, theirs.id)

    def test_what_could_not_have_its_path_is_not_there_and_its_name_is_free(self, registry: RegistryStore) -> None:
        path = a_path()
        stored(registry, **a_webhook(path))
        late = a_new_trigger(**a_webhook(path))
        with pytest.raises(PathTaken):
            registry.add_trigger(late)
        assert registry.read_trigger(late.trigger.id) is None
        stored(registry, name=late.trigger.name)

    def test_a_name_that_is_taken_is_told_before_a_path_that_is(self, registry: RegistryStore) -> None:
        path = a_path()
        first = stored(registry, **a_webhook(path))
        with pytest.raises(NameTaken):
            stored(registry, **a_webhook(path, name=first.name))

    def test_of_ten_who_want_a_path_at_once_one_gets_it(self, registry: RegistryStore) -> None:
        path = a_path()

        def create(_: int) -> bool:
            try:
                stored(registry, **a_webhook(path))
            except PathTaken:
                return False
            return True

        with ThreadPoolExecutor(10) as callers:
            assert list(callers.map(create, range(10))).count(True) == 1

    def test_a_path_is_freed_by_a_change(self, registry: RegistryStore) -> None:
        old, new = a_path(), a_path()
        trigger = changed(registry, stored(registry, **a_webhook(old)), **a_webhook(new))
        assert (found_at(registry, old), found_at(registry, new)) == (None, trigger.id)
        other = stored(registry, **a_webhook(old))
        with pytest.raises(PathTaken):
            changed(registry, other, **a_webhook(new))
        assert found_at(registry, old) == other.id, "a refused change keeps what it had"

    def test_a_path_is_kept_by_a_change_of_all_else(self, registry: RegistryStore) -> None:
        path = a_path()
        trigger = changed(registry, stored(registry, **a_webhook(path)), name=f"renamed {uuid4()}", enabled=False)
        found = registry.read_webhook("acme", path)
        assert found is not None
        assert found[0].trigger == trigger

    def test_a_path_is_freed_by_a_deletion_but_only_by_its_owner_s(self, registry: RegistryStore) -> None:
        path = a_path()
        first = stored(registry, **a_webhook(path))
        registry.delete(first)
        assert found_at(registry, path) is None
        second = stored(registry, **a_webhook(path))
        registry.delete(first)
        assert found_at(registry, path) == second.id

    def test_a_webhook_is_found_with_its_secrets_and_its_function(self, registry: RegistryStore) -> None:
        function, path = a_new_function(), a_path()
        registry.add_function(function)
        new = a_new_trigger(**a_webhook(path, function_id=function.id))._replace(sealed_secrets=b"secrets")
        registry.add_trigger(new)
        assert registry.read_webhook("acme", path) == (new, function)
        registry.delete(function)
        assert registry.read_webhook("acme", path) == (new, None)
        assert registry.read_trigger_with_function(new.trigger.id) == (new, None)


class TestHolding:
    def test_of_ten_who_hold_a_trigger_at_once_one_does(self, registry: RegistryStore) -> None:
        trigger = stored(registry)

        def hold(number: int) -> bool:
            try:
                registry.lock_trigger(trigger, soon() + timedelta(seconds=number))
            except Stale:
                return False
            return True

        with ThreadPoolExecutor(10) as editors:
            assert list(editors.map(hold, range(10))).count(True) == 1

    def test_a_held_trigger_is_changed_and_deleted_by_its_holder_only(self, registry: RegistryStore) -> None:
        trigger = stored(registry)
        locked = registry.lock_trigger(trigger, soon())
        assert registry.read_trigger(trigger.id) == StoredTrigger(locked, b"sealed")
        with pytest.raises(Stale):
            changed(registry, trigger, enabled=False)
        with pytest.raises(Stale):
            registry.lock_trigger(trigger, soon())
        after = changed(registry, locked, enabled=False, locked_until=None)
        assert registry.read_trigger(trigger.id) == StoredTrigger(after, b"sealed")
        with pytest.raises(Stale):
            changed(registry, locked, enabled=True)

    def test_a_hold_that_another_has_taken_over_is_no_longer_one(self, registry: RegistryStore) -> None:
        mine = registry.lock_trigger(stored(registry), clock.now() - timedelta(seconds=1))
        theirs = registry.lock_trigger(mine, soon())
        with pytest.raises(Stale):
            changed(registry, mine, locked_until=None)
        changed(registry, theirs, locked_until=None)

    def test_what_was_changed_or_deleted_meanwhile_is_not_held(self, registry: RegistryStore) -> None:
        before = stored(registry)
        after = changed(registry, before, enabled=False)
        with pytest.raises(Stale):
            registry.lock_trigger(before, soon())
        registry.delete(after)
        with pytest.raises(Stale):
            registry.lock_trigger(after, soon())
        assert registry.read_trigger(before.id) is None, "a hold makes nothing"

    def test_what_was_not_finished_in_its_time_is_told(self, registry: RegistryStore) -> None:
        now, past = clock.now(), clock.now() - timedelta(seconds=1)
        unfinished = registry.lock_trigger(stored(registry), past)
        never_created = stored(registry, confirmed=False, locked_until=past)
        in_time = stored(registry, confirmed=False, locked_until=now + timedelta(seconds=60))
        finished = registry.lock_trigger(stored(registry), past)
        changed(registry, finished, locked_until=None)
        gone = registry.lock_trigger(stored(registry), past)
        registry.delete(gone)
        actual = {
            each.trigger.id: each for each in unfinished_after_a_while(registry, {unfinished.id, never_created.id})
        }
        assert actual[unfinished.id] == StoredTrigger(unfinished, b"sealed")
        assert not actual[never_created.id].trigger.confirmed
        assert not actual.keys() & {in_time.id, finished.id, gone.id}

    def test_more_are_unfinished_than_a_page_holds(
        self, registry: RegistryStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("handlers.aws.registry_store.UNFINISHED_PAGE", 2)
        past = clock.now() - timedelta(seconds=1)
        ids = {stored(registry, locked_until=past).id for _ in range(5)}
        assert {each.trigger.id for each in unfinished_after_a_while(registry, ids)} >= ids


class TestCapturing:
    def test_a_function_that_captures_is_found_by_its_lambda_in_every_workspace(self, registry: RegistryStore) -> None:
        arn = an_arn()
        pairs = [capturing(registry, arn, workspace=workspace) for workspace in ("acme", "globex")]
        capturing(registry, f"{arn}:live", confirmed=False, locked_until=soon())
        registry.add_function(a_new_function().model_copy(update={"function_arn": arn}))
        assert found_capturing(registry, arn) == set(pairs)
        assert registry.registrations(f"{arn}-2") == []

    def test_an_alias_is_of_the_lambda_too(self, registry: RegistryStore) -> None:
        arn = an_arn()
        function_id, _ = capturing(registry, f"{arn}:live")
        assert [id_ for id_, _ in found_capturing(registry, arn)] == [function_id]

    @pytest.mark.parametrize("options", ["ended", "function deleted", "trigger deleted"])
    def test_what_no_longer_captures_is_not_found(
        self, registry: RegistryStore, dynamodb: Any, table: Table, options: str
    ) -> None:
        arn = an_arn()
        function_id, trigger_id = capturing(registry, arn)
        function, trigger = registry.read_function(function_id), registry.read_trigger(trigger_id)
        assert function is not None
        assert trigger is not None
        if options == "ended":
            registry.change_function(function, function.model_copy(update={"capture_failures": None, "version": 2}))
        elif options == "function deleted":
            registry.delete(function)
        else:
            registry.delete(trigger.trigger)
        assert found_capturing(registry, arn) == set()
        if options != "trigger deleted":
            left = dynamodb.query(
                TableName=table._name,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": keys.capture(arn, "")["pk"]}),
            )
            assert left["Items"] == [], "and nothing is left behind"

    def test_capturing_goes_on_under_another_name_and_alias(self, registry: RegistryStore) -> None:
        arn = an_arn()
        function_id, _ = capturing(registry, arn)
        before = registry.read_function(function_id)
        assert before is not None
        after = before.model_copy(update={"name": str(uuid4()), "function_arn": f"{arn}:live", "version": 2})
        registry.change_function(before, after)
        found = registry.read_capturing(registry.registrations(arn))
        assert found is not None
        assert found.function == after
        assert [each.function_arn for each in registry.registrations(arn)] == [f"{arn}:live"]


def test_each_kind_of_trigger_survives_being_written(registry: RegistryStore) -> None:
    at = clock.now()
    kinds: list[TriggerMetadata] = [
        OnDemand(),
        IntervalSchedule(schedule_type="interval", interval=60),
        OneTimeSchedule(schedule_type="once", at=at),
        CronSchedule(schedule_type="cron", cron_expression="0 9 ? * MON *", timezone="Europe/Berlin"),
        listening({"detail": {"a": [1.0, 1e300]}}),
        listening({"source": ["aws.s3"]}, "default"),
        HttpTrigger(path=a_path(), signature="none", raw_body=True),
    ]
    for metadata in kinds:
        new = a_new_trigger(locked_until=at, metadata=metadata)
        registry.add_trigger(new)
        assert registry.read_trigger(new.trigger.id) == new


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


def test_what_has_changed_since_it_was_read_is_not_deleted_half(registry: RegistryStore) -> None:
    before = stored(registry, **a_webhook(old := a_path()))
    changed(registry, before, **a_webhook(new := a_path()))
    with pytest.raises(Stale):
        registry.delete(before)
    found = registry.read_webhook("acme", new)
    assert found is not None
    assert registry.read_webhook("acme", old) is None
    registry.delete(found[0].trigger)
    stored(registry, **a_webhook(new))


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
