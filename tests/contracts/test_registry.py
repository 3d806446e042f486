"""Functions and triggers: what is registered, under names and paths that are unique, changed by one editor at a time."""

from datetime import timedelta
from uuid import uuid4

import pytest

from handlers.domain import clock
from handlers.domain.errors import NameTaken, PathTaken, Stale
from handlers.domain.paging import Page
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.schedules import CronSchedule, IntervalSchedule, OneTimeSchedule
from handlers.domain.registry.trigger_kinds import HttpTrigger, OnDemand
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from tests.aws.registering import (
    RegistryPorts,
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
from tests.builders import NOW, a_function, listening

ABSENT = "00000000-0000-4000-8000-00000000dead"


class TestFunctions:
    def test_what_was_added_is_read_and_what_was_not_is_none(self, registry: RegistryPorts) -> None:
        for function in (a_new_function(), a_new_function().evolve(ignore_differences=["/a/*", "/€"])):
            registry.add_function(function)
            assert registry.read_function(function.id) == function
        assert registry.read_function(ABSENT) is None

    def test_a_name_is_one_function_s_in_each_workspace(self, registry: RegistryPorts) -> None:
        function = a_new_function()
        registry.add_function(function)
        with pytest.raises(NameTaken):
            registry.add_function(a_new_function(function.name))
        theirs = a_new_function(function.name).model_copy(update={"workspace": f"ws-{uuid4()}"})
        registry.add_function(theirs)
        assert registry.read_function(theirs.id) == theirs

    def test_a_change_is_of_what_was_read(self, registry: RegistryPorts) -> None:
        before = a_new_function()
        registry.add_function(before)
        after = before.model_copy(update={"name": f"renamed {uuid4()}", "version": 2})
        registry.change_function(before, after)
        assert registry.read_function(before.id) == after
        with pytest.raises(Stale):
            registry.change_function(before, before.model_copy(update={"version": 2}))
        assert registry.read_function(before.id) == after
        registry.add_function(a_new_function(before.name))
        with pytest.raises(NameTaken):
            registry.change_function(after, after.model_copy(update={"name": before.name, "version": 3}))
        assert registry.read_function(before.id) == after, "a refused change changes nothing"

    def test_what_was_deleted_is_gone_and_a_second_deletion_does_nothing(self, registry: RegistryPorts) -> None:
        old = a_new_function()
        registry.add_function(old)
        registry.delete(old)
        assert registry.read_function(old.id) is None
        with pytest.raises(Stale):
            registry.change_function(old, old.model_copy(update={"version": 2}))
        new = a_new_function(old.name)
        registry.add_function(new)
        registry.delete(old)
        with pytest.raises(NameTaken):
            registry.add_function(a_new_function(old.name))
        assert registry.read_function(new.id) == new

    def test_what_has_changed_since_it_was_read_is_not_deleted(self, registry: RegistryPorts) -> None:
        before = a_new_function()
        registry.add_function(before)
        after = before.model_copy(update={"name": f"renamed {uuid4()}", "version": 2})
        registry.change_function(before, after)
        with pytest.raises(Stale):
            registry.delete(before)
        assert registry.read_function(before.id) == after


@pytest.mark.parametrize("kind", ["function", "trigger"])
def test_a_list_is_a_workspace_s_newest_first_a_page_at_a_time(registry: RegistryPorts, kind: str) -> None:
    workspace = f"ws-{uuid4()}"
    added: list[ComputeFunction | FunctionTrigger] = []
    for number in (2, 0, 1):
        at, id_ = NOW + timedelta(seconds=number), str(uuid4())
        if kind == "function":
            function = a_function(id=id_, name=id_, workspace=workspace, created_at=at)
            registry.add_function(function)
            added.append(function)
        else:
            added.append(stored(registry, id=id_, workspace=workspace, created_at=at))
    newest, oldest, middle = added

    def listed(page: Page) -> tuple[list[ComputeFunction] | list[FunctionTrigger], str | None]:
        return (
            registry.list_functions(workspace, page) if kind == "function" else registry.list_triggers(workspace, page)
        )

    assert listed(Page(10)) == ([newest, middle, oldest], None)
    first, position = listed(Page(2))
    assert first == [newest, middle]
    assert position is not None
    assert listed(Page(2, position)) == ([oldest], None)
    assert registry.list_functions(f"ws-{uuid4()}", Page()) == ([], None)


class TestTriggers:
    def test_what_was_added_is_read_alone_and_with_its_function(self, registry: RegistryPorts) -> None:
        function, new = a_new_function(), a_new_trigger()
        registry.add_function(function)
        registry.add_trigger(new)
        assert registry.read_trigger(new.trigger.id) == new
        assert registry.read_trigger_and_function(new.trigger.id, function.id) == (new.trigger, function)
        assert registry.read_trigger_and_function(ABSENT, function.id) == (None, function)
        assert registry.read_trigger_with_key(new.trigger.id, None) == (new, None)
        assert registry.read_trigger(ABSENT) is None
        assert registry.read_trigger_with_function(ABSENT) is None
        assert registry.read_trigger_with_key(ABSENT, None) == (None, None)

    def test_a_name_is_one_trigger_s_in_each_workspace(self, registry: RegistryPorts) -> None:
        first = stored(registry)
        with pytest.raises(NameTaken):
            stored(registry, name=first.name)
        other = stored(registry, name=first.name, workspace=f"ws-{uuid4()}")
        with pytest.raises(NameTaken):
            changed(registry, stored(registry), name=first.name)
        registry.delete(first)
        registry.delete(first)
        assert stored(registry, name=first.name).id != other.id


class TestPaths:
    def test_a_path_is_one_trigger_s_in_each_workspace(self, registry: RegistryPorts) -> None:
        path = a_path()
        mine = stored(registry, **a_webhook(path))
        with pytest.raises(PathTaken):
            stored(registry, **a_webhook(path))
        theirs = stored(registry, **a_webhook(path, workspace="globex"))
        assert (found_at(registry, path), found_at(registry, path, "globex")) == (mine.id, theirs.id)

    def test_what_could_not_have_its_path_is_not_there_and_its_name_is_free(self, registry: RegistryPorts) -> None:
        path = a_path()
        stored(registry, **a_webhook(path))
        late = a_new_trigger(**a_webhook(path))
        with pytest.raises(PathTaken):
            registry.add_trigger(late)
        assert registry.read_trigger(late.trigger.id) is None
        stored(registry, name=late.trigger.name)

    def test_a_name_that_is_taken_is_refused_before_a_path_that_is(self, registry: RegistryPorts) -> None:
        path = a_path()
        first = stored(registry, **a_webhook(path))
        with pytest.raises(NameTaken):
            stored(registry, **a_webhook(path, name=first.name))

    def test_a_path_is_freed_by_a_change(self, registry: RegistryPorts) -> None:
        old, new = a_path(), a_path()
        trigger = changed(registry, stored(registry, **a_webhook(old)), **a_webhook(new))
        assert (found_at(registry, old), found_at(registry, new)) == (None, trigger.id)
        other = stored(registry, **a_webhook(old))
        with pytest.raises(PathTaken):
            changed(registry, other, **a_webhook(new))
        assert found_at(registry, old) == other.id, "a refused change keeps what it had"

    def test_a_path_is_kept_by_a_change_of_all_else(self, registry: RegistryPorts) -> None:
        path = a_path()
        trigger = changed(registry, stored(registry, **a_webhook(path)), name=f"renamed {uuid4()}", enabled=False)
        found = registry.read_webhook("acme", path)
        assert found is not None
        assert found[0].trigger == trigger

    def test_a_path_is_freed_by_a_deletion_but_only_by_its_owner_s(self, registry: RegistryPorts) -> None:
        path = a_path()
        first = stored(registry, **a_webhook(path))
        registry.delete(first)
        assert found_at(registry, path) is None
        second = stored(registry, **a_webhook(path))
        registry.delete(first)
        assert found_at(registry, path) == second.id

    def test_a_webhook_is_found_with_its_secrets_and_its_function(self, registry: RegistryPorts) -> None:
        function, path = a_new_function(), a_path()
        registry.add_function(function)
        new = a_new_trigger(**a_webhook(path, function_id=function.id))._replace(sealed_secrets=b"secrets")
        registry.add_trigger(new)
        assert registry.read_webhook("acme", path) == (new, function)
        registry.delete(function)
        assert registry.read_webhook("acme", path) == (new, None)
        assert registry.read_trigger_with_function(new.trigger.id) == (new, None)


class TestLocks:
    def test_a_locked_trigger_is_changed_and_deleted_by_its_holder_only(self, registry: RegistryPorts) -> None:
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

    def test_a_lock_that_another_has_taken_over_is_no_longer_one(self, registry: RegistryPorts) -> None:
        mine = registry.lock_trigger(stored(registry), clock.now() - timedelta(seconds=1))
        theirs = registry.lock_trigger(mine, soon())
        with pytest.raises(Stale):
            changed(registry, mine, locked_until=None)
        changed(registry, theirs, locked_until=None)

    def test_what_was_changed_or_deleted_meanwhile_is_not_locked(self, registry: RegistryPorts) -> None:
        before = stored(registry)
        after = changed(registry, before, enabled=False)
        with pytest.raises(Stale):
            registry.lock_trigger(before, soon())
        registry.delete(after)
        with pytest.raises(Stale):
            registry.lock_trigger(after, soon())
        assert registry.read_trigger(before.id) is None, "a lock makes nothing"

    def test_what_was_not_finished_in_its_time_is_listed(self, registry: RegistryPorts) -> None:
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


class TestCapturing:
    def test_a_function_that_captures_is_found_by_its_lambda_in_every_workspace(self, registry: RegistryPorts) -> None:
        arn = an_arn()
        pairs = [capturing(registry, arn, workspace=workspace) for workspace in ("acme", "globex")]
        capturing(registry, f"{arn}:live", confirmed=False, locked_until=soon())
        registry.add_function(a_new_function().model_copy(update={"function_arn": arn}))
        assert found_capturing(registry, arn) == set(pairs)
        assert registry.registrations(f"{arn}-2") == []

    def test_an_alias_is_of_the_lambda_too(self, registry: RegistryPorts) -> None:
        arn = an_arn()
        function_id, _ = capturing(registry, f"{arn}:live")
        assert [id_ for id_, _ in found_capturing(registry, arn)] == [function_id]

    @pytest.mark.parametrize("options", ["ended", "function deleted", "trigger deleted"])
    def test_what_no_longer_captures_is_not_found(self, registry: RegistryPorts, options: str) -> None:
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

    def test_capturing_goes_on_under_another_name_and_alias(self, registry: RegistryPorts) -> None:
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


def test_each_kind_of_trigger_survives_being_written(registry: RegistryPorts) -> None:
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


def test_what_has_changed_since_it_was_read_is_not_deleted_half(registry: RegistryPorts) -> None:
    before = stored(registry, **a_webhook(old := a_path()))
    changed(registry, before, **a_webhook(new := a_path()))
    with pytest.raises(Stale):
        registry.delete(before)
    found = registry.read_webhook("acme", new)
    assert found is not None
    assert registry.read_webhook("acme", old) is None
    registry.delete(found[0].trigger)
    stored(registry, **a_webhook(new))
