"""What comes first in a pass of the watchdog that has no time for everything."""

from collections.abc import Iterator
from datetime import timedelta
from typing import cast

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers import watchdog
from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.registry.trigger_sync import SyncResult
from handlers.domain.upkeep.recovery import DeadLetter, RecoveryResult
from tests.builders import a_run, a_trigger, an_id
from tests.entry_points.batching import a_batch
from tests.entry_points.events import Context
from tests.fakes import World

OVERDUE = 100


class PassingTime(Context):
    """A second passes between any two looks at the clock."""

    def __init__(self) -> None:
        self._left = 55_000

    def get_remaining_time_in_millis(self) -> int:
        self._left -= 1_000
        return self._left


def test_many_overdue_runs_keep_neither_dead_letters_nor_half_changed_triggers_waiting(world: World) -> None:
    long_ago = clock.now() - timedelta(hours=1)
    for number in range(OVERDUE):
        world.has_run(a_run(id=an_id(100 + number), status="pending", created_at=long_ago))
    world.dead_letters.dead_letters = [DeadLetter(an_id(100 + OVERDUE - 1), "receipt", long_ago)]
    world.has_registered(a_trigger(id=an_id(8), name="nightly", execution_type="scheduled"))
    world.registry.lock_trigger(world.registry.triggers[an_id(8)].trigger, long_ago)

    done = watchdog.lambda_handler({}, cast("LambdaContext", PassingTime()))

    assert (done[RecoveryResult.REDELIVERED], done[SyncResult.RESTORED]) == (1, 1)
    assert 0 < done[RecoveryResult.PUSHED_AGAIN] < OVERDUE
    assert not world.dead_letters.dead_letters


def test_a_batch_whose_execution_has_died_goes_on_in_the_next_generation(world: World) -> None:
    batch = a_batch(due_at=clock.now() - timedelta(minutes=1))
    world.batches.create(batch, [])
    done = watchdog.lambda_handler({}, cast("LambdaContext", PassingTime()))
    assert done[watchdog.BatchResult.RESTARTED] == 1
    assert world.executions.started == [(batch.id, 2)]


def test_a_job_that_breaks_off_keeps_no_other_from_being_done_and_is_an_error_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.has_run(a_run(id=an_id(100), status="pending", created_at=clock.now() - timedelta(hours=1)))

    def down() -> Iterator[DeadLetter]:
        raise Unavailable

    monkeypatch.setattr(world.dead_letters, "parseable", down)
    with pytest.raises(ExceptionGroup) as raised:
        watchdog.lambda_handler({}, cast("LambdaContext", PassingTime()))
    assert [type(each) for each in raised.value.exceptions] == [Unavailable]
    assert [pushed.run_id for pushed in world.queue.pushed] == [an_id(100)]
