from datetime import timedelta

import pytest

from handlers.domain.errors import (
    RerunLimitReached,
)
from handlers.domain.runs.run import Content, ExecutionSource, FunctionRun, Status
from tests.builders import (
    NOW,
    RUN_ID,
    TRIGGER_ID,
    WORKSPACE,
    a_function,
    a_pin,
    a_rerun,
    a_run,
    a_trigger,
    an_id,
)
from tests.domain.starting.rerunning import PARAMETERS, request, rerun
from tests.fakes import FakeClock, World


def test_a_rerun_is_recorded_and_queued(installed: World) -> None:
    new = rerun(request(reason="Testing fix"), installed)
    assert installed.run(new.id) == new
    assert installed.queue.pushed == [(new.id, 0)]
    assert new.status is Status.PENDING
    assert (new.is_rerun, new.rerun_by, new.rerun_reason) == (True, "user-123", "Testing fix")
    assert (new.execution_source, new.trigger_type) == (ExecutionSource.RERUN, "on-demand")
    assert (new.workspace, new.function_id, new.trigger_id) == (WORKSPACE, a_function().id, TRIGGER_ID)


def test_a_rerun_is_looked_after_until_it_is_claimed(installed: World) -> None:
    new = rerun(request(), installed)
    assert new.deadline == NOW + timedelta(seconds=60)
    assert new.expires_at == NOW + timedelta(days=90)


def test_nothing_of_the_source_s_end_is_copied(installed: World) -> None:
    source = a_run(id=an_id(5), status="failure", error_code="KeyError", retry_attempt=2, orchestration_id="flow")
    installed.has_run(source)
    new = rerun(request(source.id), installed)
    assert (new.error_code, new.retry_attempt, new.started_at, new.ended_at, new.duration_ms) == (None,) * 5
    assert (new.execution_attempts, new.rerun_count, new.claim_token, new.orchestration_id) == (0, 0, None, None)


@pytest.mark.parametrize("status", list(Status))
def test_a_run_of_any_status_can_be_rerun(world: World, status: Status) -> None:
    world.has_registered()
    source = world.has_run(a_run(status=status))
    assert rerun(request(), world).source_run_id == source.id


@pytest.mark.parametrize("trigger_type", ["on-demand", "event-driven", "scheduled", "http-trigger"])
def test_runs_of_every_trigger_type_can_be_rerun(world: World, trigger_type: str) -> None:
    world.has_registered(a_trigger(execution_type=trigger_type))
    world.has_run(a_run(trigger_type=trigger_type), PARAMETERS)
    new = rerun(request(), world)
    assert new.trigger_type == trigger_type
    assert world.opened(new, Content.PARAMETERS) == PARAMETERS


def test_a_disabled_trigger_does_not_hinder_a_rerun(world: World) -> None:
    world.has_registered(a_trigger(enabled=False))
    world.has_run(a_run())
    assert rerun(request(), world).status is Status.PENDING


def test_a_run_id_in_capitals_names_the_same_run(installed: World) -> None:
    assert rerun(request(RUN_ID.upper()), installed).original_run_id == RUN_ID


def test_the_original_counts_its_reruns_and_outlives_them(installed: World, time: FakeClock) -> None:
    time.advance(days=60)
    first = rerun(request(), installed)
    second = rerun(request(), installed)
    original = installed.run(RUN_ID)
    assert original.rerun_count == 2
    assert original.expires_at == second.expires_at == NOW + timedelta(days=150)
    assert not original.is_rerun
    assert first.id != second.id


def test_a_rerun_of_a_rerun_copies_that_run_and_points_to_the_original(installed: World) -> None:
    first = installed.has_run(a_rerun(a_run(), pin=a_pin(8)), b'{"changed":true}')
    second = rerun(request(first.id), installed)
    assert (second.original_run_id, second.source_run_id) == (RUN_ID, first.id)
    assert second.pin == a_pin(8)
    assert installed.opened(second, Content.PARAMETERS) == b'{"changed":true}'
    assert installed.run(RUN_ID).rerun_count == 2
    assert installed.run(first.id).rerun_count == 0


def test_a_lineage_has_a_limit(installed: World) -> None:
    installed.runs.max_reruns = 2
    rerun(request(), installed)
    second = rerun(request(), installed)
    for run_id in (RUN_ID, second.id):
        with pytest.raises(RerunLimitReached, match="more than the 2 re-runs"):
            rerun(request(run_id), installed)
    assert len(installed.queue.pushed) == 2
    assert installed.run(RUN_ID).rerun_count == 2


def test_the_original_s_code_is_pinned(installed: World) -> None:
    new = rerun(request(), installed)
    assert new.pin == a_run().pin
    assert not new.use_latest_code


def test_the_latest_code_is_looked_up_when_the_run_is_claimed(installed: World) -> None:
    new = rerun(request(useLatestCode=True), installed)
    assert new.pin is None
    assert new.use_latest_code


def test_a_rerun_of_a_run_that_never_began_takes_the_code_of_its_own_day(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="pending"))
    new = rerun(request(), world)
    assert (new.pin, new.use_latest_code) == (None, False)


def test_the_latest_code_is_that_of_the_alias_registered_today(installed: World) -> None:
    blue = a_function(function_arn=f"{a_function().function_arn}:blue")
    installed.registry.functions[blue.id] = blue
    assert rerun(request(), installed).function_arn == blue.function_arn


def test_a_failed_push_takes_nothing_back(installed: World) -> None:
    installed.queue.fails = True
    new = rerun(request(), installed)
    assert installed.run(new.id).deadline == NOW + timedelta(seconds=60)


def test_two_at_once_are_two_reruns(installed: World) -> None:
    both: list[FunctionRun] = [rerun(request(by=f"user-{each}"), installed) for each in (123, 456)]
    assert [run.rerun_by for run in both] == ["user-123", "user-456"]
    assert [run.original_run_id for run in both] == [RUN_ID, RUN_ID]
    assert installed.run(RUN_ID).rerun_count == 2
