"""When a batch stops itself: exactly at its thresholds."""

from typing import Any

import pytest

from handlers.domain.batches.batch import Baseline, Batch, BatchState, Progress, StopReason, StopWhen
from handlers.domain.batches.stopping import canary_left, is_canary_over, reason_to_stop
from tests.builders import NOW, WORKSPACE, a_run, an_id
from tests.domain.batches.batching import FAILURE, FAST, GROUP, Execution, execute_all, has_failed, members, started
from tests.fakes import World


def a_batch(completed: int, failed: int, **changes: Any) -> Batch:
    progress = Progress(selected=completed + failed, started=completed + failed, completed=completed, failed=failed)
    literals: dict[str, Any] = {"state": BatchState.RUNNING, "canary_count": 5, "stop_when": StopWhen()}
    batch = Batch(id=an_id(1), workspace=WORKSPACE, created_at=NOW, by="alice", state="running", expires_at=NOW)
    return batch.evolve(progress=progress, **literals | changes)


def stops(batch: Batch) -> bool:
    return reason_to_stop(batch, None) is not None


@pytest.mark.parametrize(
    ("completed", "failed", "stopped"),
    [(8, 2, False), (7, 3, True), (7, 2, False), (0, 9, False), (0, 10, True), (80, 20, False), (79, 21, True)],
)
def test_more_than_a_fifth_of_ten_or_more_stops_it(completed: int, failed: int, *, stopped: bool) -> None:
    assert stops(a_batch(completed, failed)) is stopped


@pytest.mark.parametrize(
    ("count", "completed", "failed", "stopped"), [(5, 2, 3, True), (5, 3, 2, False), (4, 2, 2, False), (1, 0, 1, True)]
)
def test_more_than_half_of_the_canary_stops_it(count: int, completed: int, failed: int, *, stopped: bool) -> None:
    assert stops(a_batch(completed, failed, state=BatchState.CANARY, canary_count=count)) is stopped


@pytest.mark.parametrize("left", [{"open_runs": (an_id(2),)}, {"chosen": (an_id(2),)}, {"canary_count": 4}])
def test_the_canary_is_judged_once_all_of_it_has_ended(left: dict[str, Any]) -> None:
    batch = a_batch(0, 3, state=BatchState.CANARY, canary_count=3)
    assert stops(batch)
    assert not stops(batch.evolve(**left))


def test_a_canary_of_fewer_sources_than_that_is_judged_once_there_are_no_more() -> None:
    assert stops(a_batch(0, 1, state=BatchState.CANARY, selection_done=True))


@pytest.mark.parametrize("state", [BatchState.CANARY, BatchState.RUNNING])
@pytest.mark.parametrize(("rate", "failed", "stopped"), [(0.1, 3, False), (0.1, 4, True), (1, 30, False), (0, 1, True)])
def test_a_rate_of_ones_own_is_the_most_that_may_fail(
    state: BatchState, rate: float, failed: int, *, stopped: bool
) -> None:
    batch = a_batch(30 - failed, failed, stop_when=StopWhen(failure_rate=rate), state=state, canary_count=30)
    assert stops(batch) is stopped


@pytest.mark.parametrize(("failed", "stopped"), [(2, False), (3, True), (4, True)])
def test_a_number_of_failures_stops_it_also_in_the_canary(failed: int, *, stopped: bool) -> None:
    for state in (BatchState.CANARY, BatchState.RUNNING):
        batch = a_batch(100, failed, state=state, stop_when=StopWhen(failures=3), open_runs=(an_id(2),))
        assert stops(batch) is stopped


@pytest.mark.parametrize("cancelled", [1, 4, 5])
def test_in_the_canary_others_take_the_place_of_those_that_were_cancelled(cancelled: int) -> None:
    progress = Progress(selected=25, started=25, completed=25 - 1 - cancelled, cancelled=1 + cancelled)
    baseline = Baseline(started=20, settled=19, cancelled=1)
    batch = a_batch(0, 0, state=BatchState.CANARY).evolve(progress=progress, baseline=baseline)
    assert (canary_left(batch), is_canary_over(batch)) == (cancelled, False)
    assert is_canary_over(batch.evolve(selection_done=True)), "there are no others"


def test_what_counted_before_it_was_resumed_does_not_count_again() -> None:
    batch = a_batch(10, 10, baseline=Baseline(started=20, settled=18, failed=9), stop_when=StopWhen(failures=2))
    assert not stops(batch)
    assert reason_to_stop(batch.evolve(progress=batch.progress.evolve(failed=11)), None) == StopReason(
        rule="failures", failed=2, ended=3
    )


def test_a_failure_with_the_group_of_its_source_stops_it_at_once_unless_that_is_no_rule() -> None:
    again = a_run(id=an_id(3), status="failure", error_group_id=GROUP)
    reason = reason_to_stop(a_batch(99, 1, open_runs=(an_id(2),)), again)
    assert reason == StopReason(rule="sameErrorGroup", error_group_id=GROUP, run_id=an_id(3), failed=1, ended=100)
    assert reason_to_stop(a_batch(99, 1, stop_when=StopWhen(same_error_group=False)), again) is None


@pytest.mark.parametrize(("of_source", "of_rerun"), [(None, GROUP), (GROUP, None), (None, None)])
@pytest.mark.parametrize(("code", "is_alike"), [("ZeroDivisionError", True), ("KeyError", False)])
def test_failures_without_group_are_alike_if_all_else_is(
    world: World, of_source: str | None, of_rerun: str | None, code: str, *, is_alike: bool
) -> None:
    has_failed(world, 3, error_group_id=of_source, error_source="service")
    batch = started(world, runIds=[an_id(number) for number in (1, 2, 3)], **FAST | {"stopWhen": {"failures": 99}})
    execution = Execution(world, batch.id, 1)
    execution.step()
    execute_all(world, lambda run: FAILURE._replace(error_code=code))
    for run in members(world):
        world.runs.runs[run.id] = run.evolve(error_group_id=of_rerun)
    assert execution.step().has_stopped is is_alike
    reason = world.batches.batches[batch.id].stop_reason
    assert (reason is not None and reason.rule == "sameErrorGroup") is is_alike
