"""The steps of a batch, from its canary to its end."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.batches import choosing, stepping
from handlers.domain.batches.batch import BatchState
from handlers.domain.batches.changing import resume
from handlers.domain.batches.requests import ResumeBody
from handlers.domain.batches.stepping import step
from handlers.domain.runs.recording import seal_context
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Part, Status
from handlers.domain.starting.retry import retry
from handlers.domain.upkeep.recovery import recover_overdue
from tests.builders import NOW, WORKSPACE, a_rerun, a_run, a_trigger, an_id
from tests.domain.batches.batching import (
    FAILURE,
    FAST,
    Execution,
    carry_on,
    check_books,
    execute_all,
    first_execution,
    has_failed,
    members,
    most_beyond,
    outcomes_of,
    started,
)
from tests.domain.starting.retrying import a_policy
from tests.fakes import FakeClock, World


def ids(runs: list[FunctionRun]) -> list[str | None]:
    return [run.source_run_id for run in runs]


def test_a_batch_reruns_every_failed_original_of_its_filter_once_and_completes(world: World, time: FakeClock) -> None:
    has_failed(world, 40)
    batch = carry_on(world, time, started(world).id)
    assert batch.state is BatchState.COMPLETED
    assert batch.progress.selected == batch.progress.started == batch.progress.completed == 40
    assert outcomes_of(world) == {Status.COMPLETED: 40}
    assert (batch.expected_sources, batch.expected_capped, batch.due_at) == (40, False, None)
    assert batch.ended_at is not None
    check_books(batch, world)


def test_the_newest_are_started_first_and_the_canary_alone(world: World, time: FakeClock) -> None:
    originals = has_failed(world, 10)
    execution = first_execution(world, canary={"count": 3}, pace={"startPerSecond": 100, "maxPerSecond": 100})
    execution.step()
    time.advance(seconds=1)
    execution.step()
    assert ids(members(world)) == [run.id for run in reversed(originals[7:])]
    assert world.batches.batches[execution.batch_id].state is BatchState.CANARY
    time.advance(seconds=10)
    execution.step()
    assert len(members(world)) == 3, "none before all of the canary has ended"
    execute_all(world)
    execution.step()
    assert world.batches.batches[execution.batch_id].state is BatchState.RUNNING
    assert len(members(world)) > 3


def test_a_rerun_is_one_of_the_batch_and_of_who_started_it(world: World, time: FakeClock) -> None:
    original = has_failed(world, 1)[0]
    batch = started(world, reason="Stickers are free")
    Execution(world, batch.id, 1).step()
    (run,) = members(world)
    assert run.id == batch.rerun_id(original.id)
    assert (run.batch_id, run.rerun_by, run.rerun_reason) == (batch.id, "alice", "Stickers are free")
    assert (run.execution_source, run.pin, run.use_latest_code) == ("rerun", original.pin, False)
    assert world.runs.read_parts(run, [Part.PARAMETERS])
    assert [pushed.run_id for pushed in world.queue.pushed] == [run.id]
    assert [act.act.action for act in world.audit_log.sealed] == ["start-batch"], "no act of its own"


@pytest.mark.parametrize(
    ("code", "version", "latest"),
    [({"useLatestCode": True}, None, True), ({"functionVersion": "12"}, "12", False), ({}, "7", False)],
)
def test_all_of_it_runs_on_the_code_that_was_asked_for(
    world: World, code: dict[str, Any], version: str | None, *, latest: bool
) -> None:
    has_failed(world, 1)
    first_execution(world, **code).step()
    (run,) = members(world)
    assert (run.pin.function_version if run.pin else None, run.use_latest_code) == (version, latest)


def test_overrides_are_merged_into_the_parameters_of_each(world: World, time: FakeClock) -> None:
    has_failed(world, 2)
    batch = carry_on(world, time, started(world, **FAST, overrideParams={"dryRun": True}).id)
    assert batch.has_overrides
    opened = [
        world.cipher.open(world.runs.read_parts(run, [Part.PARAMETERS])[Part.PARAMETERS], _context(run))
        for run in members(world)
    ]
    assert sorted(opened) == [b'{"order":1,"dryRun":true}', b'{"order":2,"dryRun":true}']


def test_nothing_is_rerun_without_the_overrides_that_were_asked_for(world: World, time: FakeClock) -> None:
    has_failed(world, 2)
    batch = started(world, **FAST, overrideParams={"dryRun": True})
    world.batches.overrides.clear()
    ended = carry_on(world, time, batch.id)
    assert (ended.state, ended.progress.refused) == (BatchState.COMPLETED, {"DECRYPTION_FAILED": 2})
    assert not members(world)


def test_named_runs_that_are_not_known_any_more_count_as_refused(world: World, time: FakeClock) -> None:
    originals = has_failed(world, 2)
    batch = started(world, runIds=[run.id for run in originals])
    world.batches.sources.clear()
    ended = carry_on(world, time, batch.id)
    assert (ended.progress.selected, ended.progress.refused) == (2, {"RUN_NOT_FOUND": 2})


def _context(run: FunctionRun) -> Any:
    return seal_context(run, Part.PARAMETERS)


def test_what_a_single_rerun_would_be_refused_for_is_counted_by_its_code_and_the_others_go_on(
    world: World, time: FakeClock
) -> None:
    originals = has_failed(world, 12)

    def is_now(number: int, **changes: Any) -> None:
        world.runs.runs[originals[number].id] = originals[number].evolve(**changes)

    is_now(0, trigger_id=an_id(7))
    is_now(1, function_id=an_id(7))
    is_now(2, parameters_omitted="It is too large.")
    is_now(3, erased_at=NOW)
    is_now(4, execution_source=ExecutionSource.ORCHESTRATION, orchestration_id="nightly")
    is_now(5, recovered_by=an_id(99))
    is_now(6, rerun_count=1000, created_at=NOW - timedelta(days=100))
    world.has_run(a_rerun(originals[7], id=an_id(107), status="pending"))
    world.has_run(a_rerun(originals[8], id=an_id(108), status="completed"))
    world.has_run(a_rerun(originals[9], id=an_id(109), status="failure"))
    world.runs.parts.pop((originals[10].id, Part.PARAMETERS))
    gone = an_id(404)
    named = [gone, *(run.id for run in originals)]
    batch = carry_on(world, time, started(world, runIds=named).id)
    assert batch.state is BatchState.COMPLETED
    assert batch.progress.refused == {
        "RUN_NOT_FOUND": 1,
        "TRIGGER_NOT_FOUND": 1,
        "FUNCTION_NOT_FOUND": 1,
        "NO_PARAMETERS": 3,
        "ORCHESTRATION_RUN": 1,
    }
    assert batch.progress.skipped == {"recovered": 2, "open": 1, "limit": 1}
    assert {*ids(members(world))} == {originals[9].id, originals[11].id}
    assert (batch.progress.selected, batch.total) == (13, 13)
    check_books(batch, world)


def test_effects_that_no_function_knows_are_refused(world: World, time: FakeClock) -> None:
    known, unknown = has_failed(world, 2)
    world.runs.runs[unknown.id] = unknown.evolve(execution_attempts=0)
    batch = carry_on(world, time, started(world, effects="same").id)
    assert batch.progress.refused == {"EFFECT_KEY_UNKNOWN": 1}
    assert [run.effect_key for run in members(world)] == [known.id]


def test_only_what_the_filter_says_is_selected(world: World, time: FakeClock) -> None:
    first, second, third = has_failed(world, 3)
    world.runs.runs[second.id] = second.evolve(error_code="TypeError")
    world.has_run(a_run(id=an_id(50), status="failure", created_at=NOW + timedelta(seconds=1)))
    world.has_run(a_run(id=an_id(51), workspace="other", status="failure"))
    batch = carry_on(world, time, started(world, filter={"errorCode": "ZeroDivisionError"}).id)
    assert {*ids(members(world))} == {first.id, third.id}
    assert (batch.progress.selected, batch.expected_sources) == (2, 2)


def test_a_canary_that_fails_as_its_sources_have_stops_it_at_the_first(world: World, time: FakeClock) -> None:
    group = has_failed(world, 20)[0].error_group_id
    batch = carry_on(world, time, started(world, canary={"count": 3}).id, outcome=lambda run: FAILURE)
    first = batch.stop_reason
    assert (batch.state, batch.paused_from) == (BatchState.STOPPED, BatchState.CANARY)
    assert first is not None
    assert (first.rule, first.error_group_id) == ("sameErrorGroup", group)
    assert batch.progress.failed_by_group == {group: batch.progress.failed}
    assert batch.progress.started <= 3
    assert not batch.open_runs, "what was open at that time has been counted"
    check_books(batch, world)
    resume(WORKSPACE, batch.id, "bob", ResumeBody(), world.batch_deps)
    batch = carry_on(world, time, batch.id)
    assert (batch.state, batch.stop_reason) == (BatchState.COMPLETED, None)
    assert batch.progress.completed == 20 - batch.progress.failed
    check_books(batch, world)


def test_what_was_started_before_a_stop_is_counted_but_not_judged_after_the_resumption(
    world: World, time: FakeClock
) -> None:
    has_failed(world, 12)
    execution = first_execution(world, **FAST | {"stopWhen": {"failures": 1, "sameErrorGroup": False}})
    execution.step()
    time.advance(seconds=1)
    execution.step()
    first, *later = world.queue.pushed
    world.queue.pushed = [first]
    execute_all(world, lambda run: FAILURE)
    assert execution.step().has_stopped
    time.advance(seconds=1)
    resume(WORKSPACE, execution.batch_id, "bob", ResumeBody(), world.batch_deps)
    world.queue.pushed = [*later]
    execute_all(world, lambda run: FAILURE)
    batch = carry_on(world, time, execution.batch_id)
    assert batch.state is BatchState.COMPLETED
    assert batch.progress.failed == 1 + len(later) == 5


def test_a_retried_rerun_counts_once_its_retries_are_over(world: World, time: FakeClock) -> None:
    has_failed(world, 2)
    world.has_registered(a_trigger(retry_policy=a_policy(retryManualReruns=True, maxRetries=1)))
    execution = first_execution(world, **FAST)
    execution.step()
    time.advance(seconds=1)
    execution.step()
    world.queue.pushed.reverse()
    outcomes = iter([FAILURE, FAILURE])
    execute_all(world, lambda run: next(outcomes))
    execution.step()
    first, second = members(world)
    assert world.batches.batches[execution.batch_id].open_runs == (first.id, second.id), "they await their retry"
    for run in (first, second):
        assert retry(run.id, world.runs, world.rerun_deps, world.start_deps).result == "retried"
    time.advance(seconds=20)
    execution.step()
    retries = [run for run in world.runs.runs.values() if run.execution_source == "retry"]
    assert {run.batch_id for run in retries} == {execution.batch_id}
    assert {*world.batches.batches[execution.batch_id].open_runs} == {run.id for run in retries}
    outcomes = iter([FAILURE])
    execute_all(world, lambda run: next(outcomes, None))
    for run in retries:
        retry(run.id, world.runs, world.rerun_deps, world.start_deps)
    batch = carry_on(world, time, execution.batch_id)
    assert (batch.progress.started, batch.progress.completed, batch.progress.failed) == (2, 1, 1)
    check_books(batch, world)


def test_a_step_starts_a_hundred_at_most(world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    has_failed(world, 250)
    monkeypatch.setattr(World, "most_open", 500)
    execution = first_execution(world, **FAST)
    counts = []
    for _ in range(3):
        before = len(members(world))
        execution.step()
        counts.append(len(members(world)) - before)
        time.advance(seconds=60)
    assert counts == [100, 100, 50]


def test_what_a_step_starts_ahead_is_executed_in_its_turn(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "most_open", 500)
    has_failed(world, 60)
    execution = first_execution(world, **FAST | {"pace": {"startPerSecond": 5}})
    assert execution.step().wait_seconds == 10
    assert {run.status for run in members(world)} == {Status.PENDING}
    delays = Counter(pushed.delay_seconds for pushed in world.queue.pushed)
    assert delays == dict.fromkeys(range(10), 5) | {10: 1}
    time.advance(seconds=50)
    assert not recover_overdue(world.watchdog, has_time=lambda: True, report=_fail), "none counts as lost"


def _fail(fault: Exception, _: object) -> None:
    raise AssertionError from fault


def test_few_steps_are_taken_for_a_batch_of_fast_functions(world: World, time: FakeClock) -> None:
    """The canary, the others, what has come of these."""
    has_failed(world, 5 + 5)
    execution = first_execution(world)
    while not execution.is_over:
        time.advance(seconds=execution.step().wait_seconds)
        execute_all(world)
    assert execution.steps == 3
    assert world.batches.batches[execution.batch_id].progress.completed == 10


@pytest.mark.parametrize("seconds", [1, 2, 3, 5])
def test_a_step_that_finds_little_to_start_has_time_left_to_start_it(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """To judge some takes so long, and most have an open re-run."""
    originals = has_failed(world, 200)
    for number, original in enumerate(originals):
        if number % 5:
            world.has_run(a_rerun(original, id=an_id(1000 + number), status="pending"))
    read_pairs = world.registry.read_pairs

    def slowly(ids: list[tuple[str, str]]) -> Any:
        time.advance(seconds=seconds)
        return read_pairs(ids)

    monkeypatch.setattr(world.registry, "read_pairs", slowly)
    monkeypatch.setattr(choosing, "_MOST", 5)
    monkeypatch.setattr(World, "most_open", 500)
    batch = started(world, runIds=[run.id for run in originals], **FAST)
    until = time.moment + timedelta(seconds=8)
    step(batch.id, 1, 0, world.step_deps, has_time=lambda: time.moment < until)
    assert [run for run in members(world) if run.batch_id == batch.id]


def test_a_batch_of_nothing_completes(world: World) -> None:
    world.has_registered()
    execution = first_execution(world)
    assert execution.step().is_over
    batch = world.batches.batches[execution.batch_id]
    assert (batch.state, batch.progress.selected, batch.expected_sources) == (BatchState.COMPLETED, 0, 0)


def test_a_source_that_cannot_be_read_is_reported_and_the_others_go_on(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_failed(world, 3)
    broken = ValueError("an item that nobody understands")
    opened = world.cipher.open

    def open_(sealed: bytes, context: Any) -> bytes:
        if an_id(2) in context.owner:
            raise broken
        return opened(sealed, context)

    monkeypatch.setattr(world.cipher, "open", open_)
    batch = carry_on(world, time, started(world).id)
    assert batch.progress.refused == {"INTERNAL_ERROR": 1}
    assert batch.progress.completed == 2
    assert (an_id(2), broken) in world.reported


def test_a_key_that_is_refused_for_now_is_waited_for(world: World, time: FakeClock) -> None:
    has_failed(world, 3)
    execution = first_execution(world, **FAST)
    world.cipher.refused = True
    assert execution.step().wait_seconds == stepping.BUSY_SECONDS
    assert not members(world)
    world.cipher.refused = False
    time.advance(seconds=10)
    batch = carry_on(world, time, execution.batch_id)
    assert (batch.progress.completed, batch.progress.refused) == (3, {})


# An id in a type would not make another group.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def test_failures_of_more_groups_than_are_named_are_counted_together(world: World, time: FakeClock) -> None:
    has_failed(world, 30)
    batch = started(
        world,
        runIds=[an_id(number) for number in range(1, 31)],
        **FAST | {"stopWhen": {"failureRate": 1, "sameErrorGroup": False}},
    )

    def failing(run: FunctionRun) -> Any:
        return FAILURE._replace(error_code=f"Error{(run.source_run_id or '').translate(_LETTERS)}")

    batch = carry_on(world, time, batch.id, outcome=failing)
    groups = batch.progress.failed_by_group
    assert (len(groups), groups["other"], sum(groups.values())) == (21, 10, 30)


def test_no_more_is_started_in_any_span_of_time_than_the_pace_allows_also_after_an_outage(
    world: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(World, "most_open", 500)
    has_failed(world, 300)
    batch = started(world, pace={"startPerSecond": 1, "maxPerSecond": 4, "doubleEverySeconds": 10})
    execution = Execution(world, batch.id, 1)
    executed = []
    while not execution.is_over:
        world.cipher.refused = 30 < (time.moment - NOW).total_seconds() < 600
        result = execution.step()
        executed += [time.moment + timedelta(seconds=pushed.delay_seconds) for pushed in world.queue.pushed]
        time.advance(seconds=result.wait_seconds + 0.3)
        execute_all(world)
    assert len(executed) == 300
    assert most_beyond(executed, 4) <= 4 * (5 + 1) + 0.01
    assert (max(executed) - NOW).total_seconds() < 600 + 300 / 4
