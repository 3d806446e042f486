"""What the watchdog does as time goes by."""

from handlers.domain.runs.execution import execute
from handlers.domain.upkeep.recovery import RecoveryResult, recover
from tests.fakes import FakeClock, World


def a_pass(world: World) -> list[RecoveryResult]:
    """What the watchdog does each minute."""
    return [recover(run, world.watchdog) for run in list(world.runs.overdue())]


def an_hour_passes(world: World, time: FakeClock) -> None:
    """The watchdog looks each minute, and what it or an executor has pushed is delivered."""
    for _ in range(60):
        time.advance(minutes=1)
        a_pass(world)
        pushed, world.queue.pushed = world.queue.pushed, []
        for message in pushed:
            execute(message.run_id, world.execution_deps)
