"""Re-runs that are to wait: for a moment, or for weeks."""

from datetime import timedelta

import pytest

from handlers.domain.clock import iso
from handlers.domain.errors import InvalidRequest
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.run import FunctionRun, Status
from handlers.domain.upkeep.recovery import RecoveryResult
from tests.as_shown import as_shown
from tests.builders import NOW, RUN_ID, a_run
from tests.domain.starting.rerunning import nothing_happened, request, rerun
from tests.domain.watching import a_pass, an_hour_passes
from tests.fakes import FakeClock, World


def delayed(world: World, **delta: float) -> FunctionRun:
    return rerun(request(notBefore=iso(NOW + timedelta(**delta))), world)


def test_a_rerun_that_is_due_soon_waits_in_the_queue(installed: World) -> None:
    run = delayed(installed, minutes=10, milliseconds=1)
    assert installed.queue.pushed == [(run.id, 601)]
    assert as_shown(run)["notBefore"] == "2026-11-22T09:40:00.001Z"
    assert run.deadline == NOW + timedelta(minutes=11, milliseconds=1)


def test_a_rerun_that_is_due_later_is_pushed_by_the_watchdog_then_and_not_before(
    installed: World, time: FakeClock
) -> None:
    run = delayed(installed, days=3)
    assert not installed.queue.pushed
    for _ in range(71):
        an_hour_passes(installed, time)
    assert (installed.run(run.id).status, installed.invoker.invocations) == (Status.PENDING, [])
    an_hour_passes(installed, time)
    an_hour_passes(installed, time)
    assert installed.run(run.id).status is Status.COMPLETED
    assert len(installed.invoker.invocations) == 1


def test_what_waits_for_weeks_costs_the_watchdog_nothing(installed: World, time: FakeClock) -> None:
    delayed(installed, days=30)
    time.advance(days=29)
    installed.runs.writes = 0
    assert a_pass(installed) == []
    assert installed.runs.writes == 0


def test_a_message_that_comes_early_executes_nothing(installed: World, time: FakeClock) -> None:
    run = delayed(installed, minutes=10)
    assert execute(run.id, installed.execution_deps).result is ExecutionResult.POSTPONED
    assert installed.queue.pushed == [(run.id, 600), (run.id, 600)]
    time.advance(minutes=10)
    assert execute(run.id, installed.execution_deps).result is ExecutionResult.FINISHED


def test_a_message_that_comes_weeks_early_is_left_to_the_watchdog(installed: World) -> None:
    run = delayed(installed, days=2)
    assert execute(run.id, installed.execution_deps).result is ExecutionResult.POSTPONED
    assert not installed.queue.pushed


def test_a_moment_that_has_passed_is_now(installed: World) -> None:
    run = delayed(installed, days=-1)
    assert (run.not_before, installed.queue.pushed) == (None, [(run.id, 0)])


@pytest.mark.parametrize(
    "moment",
    [
        *("tomorrow", "", "2026-11-23", "2026-11-23T09:30:00", "2026-13-01T00:00:00Z", "2026-12-22T09:30:01Z"),
        *("9999-12-31T23:59:59-23:59", "2026-12-22T09:30:00.001Z"),
    ],
)
def test_what_is_no_moment_of_the_next_thirty_days_is_refused(installed: World, moment: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        rerun(request(notBefore=moment), installed)
    assert refused.value.field == "notBefore"
    assert nothing_happened(installed)


def test_the_last_moment_that_can_be_asked_for_is_in_thirty_days(installed: World) -> None:
    assert delayed(installed, days=30).not_before == NOW + timedelta(days=30)


def test_a_delayed_rerun_is_kept_for_as_long_after_it_was_due_as_any_other(installed: World) -> None:
    run = delayed(installed, days=30)
    assert run.expires_at == NOW + timedelta(days=30) + installed.retention.span
    assert installed.run(RUN_ID).expires_at == run.expires_at


def test_a_later_rerun_does_not_shorten_the_life_of_a_lineage(installed: World) -> None:
    long = delayed(installed, days=30)
    rerun(request(), installed)
    assert installed.run(RUN_ID).expires_at == long.expires_at


def test_a_delayed_run_whose_parts_must_be_moved_is_looked_at_early_and_then_when_it_is_due(
    world: World, time: FakeClock
) -> None:
    due = NOW + timedelta(days=2)
    world.has_run(a_run(status="pending", not_before=due, staged=True, deadline=NOW + timedelta(seconds=60)))
    time.advance(minutes=1)
    assert a_pass(world) == [RecoveryResult.MOVED_PARTS]
    run = world.run(RUN_ID)
    assert (world.runs.moved, run.staged, run.deadline) == ([RUN_ID], False, due)
    assert not world.queue.pushed
