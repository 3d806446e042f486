"""What tests of the three-step protocol look at: whether AWS does what is written of triggers."""

from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.trigger_sync import SyncResult, repair_triggers
from tests.fakes import FakeClock, World


def in_step(world: World) -> bool:
    """Nobody is changing a trigger, and what AWS was told last of each is what is written of it."""
    written = {each.trigger.id: each.trigger for each in world.registry.triggers.values() if each.trigger.needs_sync}
    if any(trigger.locked_until is not None or not trigger.confirmed for trigger in written.values()):
        return False
    return {id_: actual(trigger) for id_, trigger in world.aws.synced.items()} == {
        id_: actual(trigger) for id_, trigger in written.items()
    }


def actual(trigger: FunctionTrigger) -> object:
    """What AWS is told of a trigger."""
    return trigger.enabled, trigger.metadata


def is_held(world: World) -> bool:
    return any(each.trigger.locked_until is not None for each in world.registry.triggers.values())


def repaired(world: World) -> list[SyncResult]:
    """One pass of the watchdog."""
    faults: list[object] = []
    passed = repair_triggers(
        world.registry, world.sources, has_time=lambda: True, report=lambda *fault: faults.append(fault)
    )
    repairs = sorted(passed.elements())
    assert len(faults) == repairs.count(SyncResult.FAILED)
    return repairs


def a_minute_later(world: World, time: FakeClock) -> list[SyncResult]:
    """AWS is well again, and everybody's time is up."""
    world.faults.stop()
    time.advance(seconds=61)
    return repaired(world)
