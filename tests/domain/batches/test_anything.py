"""Whatever happens to a batch, each source is re-run once at most, its books are exact, and it ends."""

import pytest

from handlers.domain.batches.batch import BatchState
from handlers.domain.batches.changing import cancel_batch, resume
from handlers.domain.batches.requests import CancelBatchBody, ResumeBody
from tests.builders import WORKSPACE
from tests.domain.batches.anything import Anything
from tests.domain.batches.batching import check_books
from tests.fakes import FakeClock


@pytest.mark.parametrize("seed", range(60))
def test_each_source_is_rerun_once_at_most_and_the_books_are_exact(seed: int, time: FakeClock) -> None:
    world = Anything(seed, time)
    try:
        for _ in range(world.random.randrange(50, 1500)):
            world.go_on()
        world.calm = True
        world.failing = 0
        for _ in range(40_000):
            world.go_on()
            batch = world.batch
            if batch.state in (BatchState.PAUSED, BatchState.STOPPED) and not batch.needs_steps:
                if world.random.random() < 0.5:
                    resume(WORKSPACE, batch.id, "bob", ResumeBody(), world.world.batch_deps)
                else:
                    cancel_batch(WORKSPACE, batch.id, "bob", CancelBatchBody(), world.world.batch_deps)
            if batch.state.is_final and not batch.needs_steps:
                break
    finally:
        world.end()
    batch = world.batch
    assert batch.state.is_final
    assert not batch.open_runs
    assert not batch.chosen
    check_books(batch, world.world)
