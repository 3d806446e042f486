"""Whatever goes wrong at whichever step: AWS does what is written of a trigger, or the watchdog makes it so."""

from collections.abc import Callable
from typing import Any

import pytest

from handlers.domain.errors import BeingChanged, InvalidRequest, NotFound, SourceLimitReached, Unavailable
from handlers.domain.paging import Page
from handlers.domain.registry.trigger_sync import LOCK_TIME, SyncResult, repair_triggers
from handlers.domain.registry.triggers import delete_trigger, find_trigger, list_triggers
from tests.builders import WORKSPACE, an_act
from tests.domain.registry.syncing import a_minute_later, in_step, is_held, repaired
from tests.domain.triggering import CRON, change, create
from tests.fakes import FakeClock, World
from tests.faults.kinds import Died

ARMED = ["scheduled", "event-driven"]
AFTER: dict[str, dict[str, Any]] = {"scheduled": CRON, "event-driven": {"eventPattern": {"source": ["till"]}}}
# More than any of the stories below makes.
CALLS = range(1, 10)


def create_one(world: World, kind: str) -> None:
    create(world, kind)


def change_it(world: World, kind: str) -> None:
    change(world, *world.registry.triggers, triggerMetadata=AFTER[kind], name="renamed")


def disable_it(world: World, _: str) -> None:
    change(world, *world.registry.triggers, enabled=False)


def delete_it(world: World, _: str) -> None:
    (trigger_id,) = world.registry.triggers
    delete_trigger(WORKSPACE, trigger_id, world.registry_deps, act=an_act())


STORIES = [create_one, change_it, disable_it, delete_it]
Story = Callable[[World, str], None]


def begun(world: World, kind: str, story: Story) -> dict[str, object]:
    """What is written before the story begins."""
    if story is not create_one:
        create(world, kind)
    return what_is_written(world)


def what_is_written(world: World) -> dict[str, object]:
    """By id, but for who is changing it."""
    return {
        id_: stored._replace(trigger=stored.trigger.evolve(locked_until=None))
        for id_, stored in world.registry.triggers.items()
        if stored.trigger.confirmed
    }


def the_end(kind: str, story: Story) -> list[tuple[str, str, bool, object]]:
    """What the story leaves written if nothing goes wrong."""
    world = World()
    begun(world, kind, story)
    story(world, kind)
    assert in_step(world)
    return looks(world)


def looks(world: World) -> list[tuple[str, str, bool, object]]:
    return [
        (each.trigger.name, each.trigger.execution_type, each.trigger.enabled, each.trigger.metadata)
        for each in world.registry.triggers.values()
        if each.trigger.confirmed
    ]


def assert_told_by_one_act_if_anything_has_changed(
    world: World, before: list[tuple[str, str, bool, object]], acts: int
) -> None:
    assert len(world.audit_log.acts) - acts == (looks(world) != before)


def to_arm(kind: str) -> int:
    """Which call of a creation arms: after one that asks about a pattern, if there is one, and one that writes."""
    return 3 if kind == "event-driven" else 2


def ends(world: World, kind: str, story: Story) -> BaseException | None:
    try:
        story(world, kind)
    except (Exception, Died) as fault:  # noqa: BLE001 - which one it is the test looks at
        return fault
    return None


@pytest.mark.parametrize("nth", CALLS)
@pytest.mark.parametrize("answer_lost", [False, True], ids=["failed", "answer lost"])
@pytest.mark.parametrize("kind", ARMED)
@pytest.mark.parametrize("story", STORIES)
def test_a_call_that_fails_leaves_a_trigger_as_it_was_or_held(
    world: World, time: FakeClock, story: Story, kind: str, *, answer_lost: bool, nth: int
) -> None:
    before, looked = begun(world, kind, story), looks(world)
    acts = len(world.audit_log.acts)
    world.faults.inject(nth, answer_lost=answer_lost)
    fault = ends(world, kind, story)
    assert fault is None or isinstance(fault, Unavailable)
    assert in_step(world) or is_held(world)
    if fault is not None and not answer_lost:
        assert what_is_written(world) == before, "what was answered with a fault has changed nothing"
    if fault is None:
        assert in_step(world)
        assert looks(world) == the_end(kind, story)
    a_minute_later(world, time)
    assert in_step(world)
    assert looks(world) in (looked, the_end(kind, story))
    assert_told_by_one_act_if_anything_has_changed(world, looked, acts)


@pytest.mark.parametrize("nth", CALLS)
@pytest.mark.parametrize("answer_lost", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("kind", ARMED)
@pytest.mark.parametrize("story", STORIES)
def test_who_dies_at_any_call_leaves_what_one_pass_brings_into_step(
    world: World, time: FakeClock, story: Story, kind: str, *, answer_lost: bool, nth: int
) -> None:
    begun(world, kind, story)
    looked, acts = looks(world), len(world.audit_log.acts)
    world.faults.inject(nth, Died(), answer_lost=answer_lost)
    ends(world, kind, story)
    assert in_step(world) or is_held(world)
    a_minute_later(world, time)
    assert in_step(world)
    assert looks(world) in (looked, the_end(kind, story))
    assert_told_by_one_act_if_anything_has_changed(world, looked, acts)


@pytest.mark.parametrize("nth", CALLS)
@pytest.mark.parametrize("kind", ARMED)
@pytest.mark.parametrize("story", STORIES)
def test_when_aws_is_down_from_any_call_on_one_pass_brings_all_into_step_once_it_is_well(
    world: World, time: FakeClock, story: Story, kind: str, nth: int
) -> None:
    before = begun(world, kind, story)
    world.faults.inject_from(nth)
    fault = ends(world, kind, story)
    assert in_step(world) or is_held(world)
    if fault is not None:
        time.advance(seconds=61)
        assert set(repaired(world)) <= {SyncResult.FAILED}, "and a pass while it is down does no harm"
    a_minute_later(world, time)
    assert in_step(world)
    assert fault is None or what_is_written(world) == before


@pytest.mark.parametrize("kind", ARMED)
def test_a_trigger_whose_creation_is_not_complete_is_no_trigger(world: World, time: FakeClock, kind: str) -> None:
    world.faults.inject(to_arm(kind), Died())
    with pytest.raises(Died):
        create(world, kind)
    (begun_id,) = world.registry.triggers
    with pytest.raises(NotFound):
        find_trigger(WORKSPACE, begun_id, world.registry)
    with pytest.raises(NotFound):
        delete_trigger(WORKSPACE, begun_id, world.registry_deps, act=an_act())
    assert list_triggers(WORKSPACE, Page(), world.registry) == ([], None)
    assert repaired(world) == [], "it has its minute"
    assert a_minute_later(world, time) == [SyncResult.UNDONE]
    assert not world.registry.triggers
    assert not world.aws.synced
    assert create(world, kind).trigger.name == f"{kind} trigger", "and its name is free again"


@pytest.mark.parametrize("kind", ARMED)
def test_a_second_editor_waits_while_a_trigger_is_held_and_takes_over_after_it(
    world: World, time: FakeClock, kind: str
) -> None:
    trigger = create(world, kind).trigger
    world.registry.lock_trigger(trigger, time().replace(minute=31))
    version = world.registry.triggers[trigger.id]
    for attempt in (change_it, disable_it, delete_it):
        with pytest.raises(BeingChanged, match="Try again in a minute"):
            attempt(world, kind)
    with pytest.raises(BeingChanged):
        change(world, trigger.id, name="renamed")
    assert world.registry.triggers[trigger.id] == version
    time.advance(seconds=61)
    change_it(world, kind)
    assert in_step(world)
    assert looks(world) == the_end(kind, change_it)


@pytest.mark.parametrize("kind", ARMED)
def test_a_new_name_alone_brings_what_was_left_half_done_into_step(world: World, time: FakeClock, kind: str) -> None:
    trigger = create(world, kind).trigger
    world.registry.lock_trigger(trigger, time())
    world.aws.synced.clear()
    time.advance(seconds=1)
    change(world, trigger.id, name="renamed")
    assert in_step(world)


@pytest.mark.parametrize("kind", ARMED)
def test_a_new_name_alone_is_not_aws_s_business(world: World, kind: str) -> None:
    trigger = create(world, kind).trigger
    actual = world.aws.actual
    assert change(world, trigger.id, name="renamed").trigger.name == "renamed"
    assert world.aws.actual == actual
    assert in_step(world)


@pytest.mark.parametrize("refusal", [InvalidRequest("triggerMetadata.at", "is refused."), SourceLimitReached()])
@pytest.mark.parametrize("kind", ARMED)
@pytest.mark.parametrize("story", [create_one, change_it])
def test_a_refusal_of_aws_changes_nothing(world: World, story: Story, kind: str, refusal: Exception) -> None:
    before = begun(world, kind, story)
    world.faults.inject(to_arm(kind) + (story is change_it), refusal)
    with pytest.raises(type(refusal)):
        story(world, kind)
    assert what_is_written(world) == before
    assert in_step(world)


def test_a_pattern_that_eventbridge_does_not_read_is_refused_before_anything_is_written(world: World) -> None:
    trigger = create(world, "event-driven").trigger
    world.aws.refuses = InvalidRequest("triggerMetadata.eventPattern", "is not a pattern.")
    writes = world.faults.calls
    with pytest.raises(InvalidRequest):
        change(world, trigger.id, triggerMetadata=AFTER["event-driven"])
    with pytest.raises(InvalidRequest):
        create(world, "event-driven", name="another")
    assert world.faults.calls == writes + 3, "one read of the trigger, and twice the question"
    assert world.registry.triggers[trigger.id].trigger == trigger


@pytest.mark.parametrize("kind", ARMED)
def test_a_trigger_is_disabled_and_enabled_at_its_source(world: World, kind: str) -> None:
    trigger = create(world, kind, enabled=False).trigger
    assert [each.enabled for each in world.aws.synced.values()] == [False]
    change(world, trigger.id, enabled=True)
    assert [each.enabled for each in world.aws.synced.values()] == [True]
    change(world, trigger.id, enabled=False)
    assert [each.enabled for each in world.aws.synced.values()] == [False]
    assert in_step(world)


@pytest.mark.parametrize("kind", ["on-demand", "http-trigger"])
def test_a_trigger_that_nothing_of_aws_starts_never_reaches_it(world: World, time: FakeClock, kind: str) -> None:
    world.aws.fails = True
    trigger = create(world, kind).trigger
    assert trigger.confirmed
    change(world, trigger.id, enabled=False, name="renamed")
    assert not is_held(world)
    delete_trigger(WORKSPACE, trigger.id, world.registry_deps, act=an_act())
    assert a_minute_later(world, time) == []
    assert (world.aws.actual, world.registry.triggers) == (0, {})


def test_a_pass_without_time_leaves_the_rest_to_the_next(world: World, time: FakeClock) -> None:
    for number in range(3):
        world.registry.lock_trigger(create(world, "scheduled", name=f"nightly {number}").trigger, time())
    time.advance(seconds=1)
    left = iter([True, True, False])
    passed = repair_triggers(world.registry, world.sources, has_time=lambda: next(left), report=lambda *_: None)
    assert passed == {SyncResult.RESTORED: 2}
    assert repaired(world) == [SyncResult.RESTORED]
    assert in_step(world)


def test_one_that_somebody_else_has_taken_meanwhile_is_theirs_to_bring_into_step(world: World, time: FakeClock) -> None:
    read = [world.registry.lock_trigger(create(world, "scheduled", name=name).trigger, time()) for name in ("a", "b")]
    time.advance(seconds=1)
    seen = list(world.registry.unfinished_triggers())
    theirs = world.registry.lock_trigger(read[0], time() + LOCK_TIME)
    world.registry.unfinished_triggers = lambda: iter(seen)  # type: ignore[method-assign] # a pass that began before
    assert sorted(repaired(world)) == [SyncResult.MOVED_ON, SyncResult.RESTORED]
    assert world.registry.triggers[theirs.id].trigger == theirs


def test_one_that_cannot_be_repaired_does_not_keep_the_others_waiting(world: World, time: FakeClock) -> None:
    for number in range(3):
        world.registry.lock_trigger(create(world, "scheduled", name=f"nightly {number}").trigger, time())
    time.advance(seconds=1)
    world.faults.inject(2)  # to hold is the first call, to arm the second
    assert repaired(world) == [SyncResult.FAILED, SyncResult.RESTORED, SyncResult.RESTORED]
    assert a_minute_later(world, time) == [SyncResult.RESTORED]
    assert in_step(world)
