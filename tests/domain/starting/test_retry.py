"""Automatic retries: which failures are retried, how, and that none is lost or doubled."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.runs.execution import execute
from handlers.domain.runs.outcome import BEYOND_RETRY, Outcome
from handlers.domain.runs.run import Content, Status
from handlers.domain.starting.execute_trigger import ExecuteBody, execute_trigger
from handlers.domain.starting.retry import RetryResult
from handlers.domain.upkeep.publishing import MAX_PUBLICATIONS
from handlers.domain.upkeep.recovery import RecoveryResult
from tests.builders import NOW, RUN_ID, TRIGGER_ID, WORKSPACE, a_pin, a_rerun, a_run, a_trigger, an_act, an_id
from tests.domain.starting.rerunning import request, rerun
from tests.domain.starting.retrying import FAILURE, a_policy, has_failed, retries, retries_in, retry_of
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World


@pytest.fixture
def failed(world: World) -> World:
    """One run that has failed and awaits a retry."""
    retries(world)
    has_failed(world)
    return world


def test_a_retry_is_a_pinned_rerun_that_says_why(failed: World) -> None:
    assert retry_of(failed) == RetryResult.RETRIED
    (retry,) = retries_in(failed)
    assert (retry.is_rerun, retry.original_run_id, retry.source_run_id) == (True, RUN_ID, RUN_ID)
    assert (retry.rerun_by, retry.rerun_reason) == ("auto-retry", "Automatic retry 1 of 2 after TimeoutError")
    assert (retry.retry_attempt, retry.pin, retry.use_latest_code) == (1, a_pin(), False)
    assert failed.opened(retry, Content.PARAMETERS) == b'{"order":1.0}'
    assert failed.run(RUN_ID).rerun_count == 1


def test_a_retry_waits_as_its_policy_says(failed: World) -> None:
    retry_of(failed)
    (retry,) = retries_in(failed)
    assert retry.not_before == NOW + timedelta(seconds=10)
    assert failed.queue.pushed == [(retry.id, 10)]


def test_a_failure_is_settled_once_it_is_retried(failed: World) -> None:
    assert failed.run(RUN_ID).event_pending
    retry_of(failed)
    run = failed.run(RUN_ID)
    assert (run.event_pending, run.deadline) == (False, None)


def test_an_event_delivered_twice_makes_one_retry(failed: World) -> None:
    assert [retry_of(failed), retry_of(failed)] == [RetryResult.RETRIED, RetryResult.SETTLED]
    assert len(retries_in(failed)) == 1


def test_two_deliveries_at_once_make_one_retry(failed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    record, results = failed.runs.record_rerun, list[str]()

    def beaten(*recorded: Any) -> bool:
        monkeypatch.setattr(failed.runs, "record_rerun", record)
        results.append(retry_of(failed))
        return record(*recorded)

    monkeypatch.setattr(failed.runs, "record_rerun", beaten)
    results.append(retry_of(failed))
    assert results == [RetryResult.RETRIED, RetryResult.RETRIED_BEFORE]
    assert (len(retries_in(failed)), failed.run(RUN_ID).rerun_count) == (1, 1)


def test_a_lost_event_is_told_again(failed: World, time: FakeClock) -> None:
    time.advance(minutes=1)
    assert a_pass(failed) == [RecoveryResult.PUBLISHED_AGAIN]
    assert len(failed.bus.published) == 2
    assert failed.run(RUN_ID).event_pending
    assert retry_of(failed) == RetryResult.RETRIED
    time.advance(hours=1)
    assert RUN_ID not in {run.id for run in failed.runs.overdue()}


def test_a_failure_that_nobody_processes_is_published_more_and_more_rarely(failed: World, time: FakeClock) -> None:
    for _ in range(24 * 60):
        time.advance(minutes=1)
        a_pass(failed)
    assert 90 < len(failed.bus.published) < 110


def test_a_failure_that_nobody_can_decide_on_is_given_up_after_days(failed: World, time: FakeClock) -> None:
    results = []
    for _ in range(4 * 24 * 4):
        time.advance(minutes=15)
        results += a_pass(failed)
    assert results[-1] is RecoveryResult.RETRY_GIVEN_UP
    assert not failed.run(RUN_ID).event_pending


def test_retries_of_retries_go_on_until_they_are_exhausted(world: World, time: FakeClock) -> None:
    retries(world, maxRetries=3)
    has_failed(world)
    actual, run_id = [], RUN_ID
    while True:
        result = retry_of(world, run_id)
        actual.append(result)
        if result != RetryResult.RETRIED:
            break
        run_id = retries_in(world)[-1].id
        time.advance(minutes=5)
        world.invoker.script = [FAILURE]
        execute(run_id, world.execution_deps)
    assert actual == [RetryResult.RETRIED] * 3 + [RetryResult.EXHAUSTED]
    assert [run.rerun_reason for run in retries_in(world)] == [
        f"Automatic retry {n} of 3 after TimeoutError" for n in (1, 2, 3)
    ]
    assert {run.original_run_id for run in retries_in(world)} == {RUN_ID}
    assert not any(run.event_pending for run in world.runs.runs.values())


def test_a_retry_that_succeeds_is_the_last(failed: World, time: FakeClock) -> None:
    retry_of(failed)
    time.advance(minutes=1)
    (retry,) = retries_in(failed)
    execute(retry.id, failed.execution_deps)
    run = failed.run(retry.id)
    assert (run.status, run.event_pending, run.deadline) == (Status.COMPLETED, False, None)


def test_runs_of_a_trigger_that_does_not_retry_are_done_with_at_once(world: World) -> None:
    world.has_registered()
    world.has_run(a_run(status="pending"))
    world.invoker.script = [FAILURE]
    execute(RUN_ID, world.execution_deps)
    assert not world.run(RUN_ID).event_pending
    assert retry_of(world) == RetryResult.SETTLED


def test_a_run_says_from_its_start_whether_it_is_to_be_retried(world: World) -> None:
    retries(world)
    assert execute_trigger(
        WORKSPACE, TRIGGER_ID, ExecuteBody(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    ).retriable
    world.has_registered()
    assert not execute_trigger(
        WORKSPACE, TRIGGER_ID, ExecuteBody(), world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    ).retriable


def test_what_an_orchestration_has_started_is_the_orchestration_s_to_retry(world: World) -> None:
    retries(world)
    request = ExecuteBody.read({"orchestrationId": "nightly"})
    assert not execute_trigger(
        WORKSPACE, TRIGGER_ID, request, world.registry, world.start_deps, invokable=world.invokable, act=an_act()
    ).retriable


@pytest.mark.parametrize("wanted", [False, True])
def test_a_rerun_by_hand_is_retried_only_if_its_trigger_says_so(world: World, *, wanted: bool) -> None:
    retries(world, retryManualReruns=wanted)
    world.has_run(a_run())
    new = rerun(request(), world)
    world.invoker.script = [FAILURE]
    execute(new.id, world.execution_deps)
    assert retry_of(world, new.id) == (RetryResult.RETRIED if wanted else RetryResult.SETTLED)
    assert [run.source_run_id for run in retries_in(world)] == [new.id] * wanted


def test_a_policy_that_was_changed_meanwhile_counts(failed: World) -> None:
    failed.has_registered(a_trigger(retry_policy=a_policy(maxRetries=5, initialDelaySeconds=0)))
    assert retry_of(failed) == RetryResult.RETRIED
    (retry,) = retries_in(failed)
    assert (retry.rerun_reason, retry.not_before) == ("Automatic retry 1 of 5 after TimeoutError", NOW)


Change = Callable[[World], object]
REASONS: dict[str, Change] = {
    RetryResult.NO_POLICY: lambda world: world.has_registered(),
    RetryResult.DISABLED: lambda world: world.has_registered(a_trigger(enabled=False, retry_policy=a_policy())),
    RetryResult.NOT_RETRYABLE: lambda world: retries(world, nonRetryableErrors=["KeyError", "TimeoutError"]),
    "TRIGGER_NOT_FOUND": lambda world: world.registry.triggers.clear(),
    "FUNCTION_NOT_FOUND": lambda world: world.registry.functions.clear(),
    "NO_PARAMETERS": lambda world: world.runs.parts.clear(),
    "DECRYPTION_FAILED": lambda world: setattr(world.cipher, "broken", True),
    "RERUN_LIMIT_REACHED": lambda world: setattr(world.runs, "max_reruns", 0),
}


@pytest.mark.parametrize("reason", REASONS)
def test_what_is_not_retried_is_settled_and_says_why(failed: World, reason: str) -> None:
    REASONS[reason](failed)
    assert retry_of(failed) == reason
    assert not retries_in(failed)
    assert (failed.run(RUN_ID).event_pending, failed.run(RUN_ID).deadline) == (False, None)


def test_a_run_that_was_throttled_for_days_is_retried_and_told_of_like_any_other(world: World, time: FakeClock) -> None:
    retries(world)
    world.has_run(a_run(status="pending", retriable=True, postponements=MAX_PUBLICATIONS), b"{}")
    world.invoker.script = [FAILURE]
    world.bus.fails = True
    execute(RUN_ID, world.execution_deps)
    world.bus.fails = False
    time.advance(seconds=61)
    assert a_pass(world) == [RecoveryResult.PUBLISHED_AGAIN]
    assert retry_of(world) == RetryResult.RETRIED


def test_a_failure_is_retried_however_long_the_bus_was_down(world: World, time: FakeClock) -> None:
    retries(world)
    world.has_run(a_run(status="pending", retriable=True), b"{}")
    world.invoker.script = [FAILURE]
    world.bus.fails = True
    execute(RUN_ID, world.execution_deps)
    tried = 0
    for _ in range(20 * 24 * 4):  # twenty days
        time.advance(minutes=15)
        tried += len(a_pass(world))
    assert tried > MAX_PUBLICATIONS
    world.bus.fails = False
    time.advance(minutes=15)
    assert a_pass(world) == [RecoveryResult.PUBLISHED_AGAIN]
    assert retry_of(world) == RetryResult.RETRIED


@pytest.mark.parametrize("code", sorted(BEYOND_RETRY))
def test_what_the_same_code_and_input_would_meet_again_is_not_retried(world: World, code: str) -> None:
    retries(world)
    has_failed(world)
    world.runs.runs[RUN_ID] = world.run(RUN_ID).evolve(error_code=code)
    assert retry_of(world) == RetryResult.NOT_RETRYABLE


@pytest.mark.parametrize("code", sorted(BEYOND_RETRY))
def test_a_function_s_own_error_is_retried_whatever_its_name(world: World, code: str) -> None:
    retries(world)
    world.has_run(a_run(status="pending", retriable=True))
    world.invoker.script = [Outcome.of_failed_invocation(json.dumps({"errorType": code, "stackTrace": []}).encode())]
    execute(RUN_ID, world.execution_deps)
    assert (world.run(RUN_ID).error_code, retry_of(world)) == (code, RetryResult.RETRIED)


@pytest.mark.parametrize(
    "name",
    [
        "KeyError",
        "Function<NameError>",
        "*errors.errorString",
        "Rejected[github.com/acme/orders.Order]",
        "System.AggregateException`1",
        "Acme.Orders+Declined",
        "com.acme.Card$Declined",
        "App\\Exceptions\\Declined",
        "&alloc::string::String",
        "Größenfehler",
        "com.acme." + "x" * 200,
        "Runtime.ExitError",
    ],
)
def test_a_policy_knows_an_error_by_the_name_that_lambda_tells_and_by_the_one_that_the_run_shows(
    world: World, name: str
) -> None:
    failure = Outcome.of_failed_invocation(json.dumps({"errorType": name, "stackTrace": []}).encode())
    for number, known_as in enumerate((name, failure.error_code, "Another"), start=50):
        retries(world, nonRetryableErrors=[known_as])
        world.has_run(a_run(id=an_id(number), status="pending", retriable=True))
        world.invoker.script = [failure]
        execute(an_id(number), world.execution_deps)
        expected = RetryResult.RETRIED if known_as == "Another" else RetryResult.NOT_RETRYABLE
        assert retry_of(world, an_id(number)) == expected


def test_a_run_that_was_cancelled_while_it_ran_is_not_retried(world: World) -> None:
    retries(world)
    has_failed(world, cancel_requested_at=None)
    world.runs.runs[RUN_ID] = world.run(RUN_ID).evolve(cancel_requested_at=NOW, cancel_requested_by="bob")
    assert retry_of(world) == RetryResult.CANCELLED
    assert not world.run(RUN_ID).event_pending


def test_a_timeout_is_retried_too(world: World) -> None:
    retries(world)
    world.has_run(a_run(status="pending", retriable=True))
    world.invoker.script = [Outcome(Status.TIMEOUT, "Sandbox.Timedout")]
    execute(RUN_ID, world.execution_deps)
    assert retry_of(world) == RetryResult.RETRIED


def test_a_run_that_is_gone_is_not_retried(world: World) -> None:
    assert retry_of(world) == RetryResult.GONE


@pytest.mark.parametrize("fault", ["cannot_open", "cannot_seal", "refused"])
def test_a_fault_of_kms_leaves_the_failure_waiting(failed: World, fault: str) -> None:
    setattr(failed.cipher, fault, True)
    with suppress(Unavailable):
        retry_of(failed)
    assert failed.run(RUN_ID).event_pending
    setattr(failed.cipher, fault, False)
    assert retry_of(failed) == RetryResult.RETRIED


def test_a_queue_that_is_down_delays_a_retry_and_loses_none(failed: World, time: FakeClock) -> None:
    failed.queue.fails = True
    retry_of(failed)
    failed.queue.fails = False
    time.advance(minutes=5)
    assert a_pass(failed) == [RecoveryResult.PUSHED_AGAIN]


def test_a_retry_of_a_rerun_belongs_to_its_original(world: World) -> None:
    retries(world, retryManualReruns=True)
    original = world.has_run(a_run())
    source = a_rerun(original, status="pending", retriable=True)
    world.has_run(source)
    world.invoker.script = [FAILURE]
    execute(source.id, world.execution_deps)
    retry_of(world, source.id)
    (retry,) = retries_in(world)
    assert (retry.original_run_id, retry.source_run_id) == (original.id, source.id)
    assert world.run(original.id).rerun_count == 2
