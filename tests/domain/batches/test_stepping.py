"""The steps of a batch, from its canary to its end."""

from handlers.domain.batches.batch import BatchState
from handlers.domain.runs.run import Status
from tests.domain.batches.batching import FAILURE, carry_on, check_books, has_failed, outcomes_of, started
from tests.fakes import FakeClock, World


def test_a_batch_reruns_every_failed_original_of_its_filter_once_and_completes(world: World, time: FakeClock) -> None:
    has_failed(world, 40)
    batch = carry_on(world, time, started(world).id)
    assert batch.state is BatchState.COMPLETED
    assert batch.progress.selected == batch.progress.started == batch.progress.completed == 40
    assert outcomes_of(world) == {Status.COMPLETED: 40}
    check_books(batch, world)


def test_a_batch_stops_itself_in_its_canary(world: World, time: FakeClock) -> None:
    has_failed(world, 40)
    batch = carry_on(world, time, started(world).id, outcome=lambda run: FAILURE)
    assert batch.state is BatchState.STOPPED
    check_books(batch, world)
