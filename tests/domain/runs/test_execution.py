import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.function_arns import InvokablePatterns
from handlers.domain.json_document import MAX_BYTES
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.history import reveal
from handlers.domain.runs.outcome import VERSION_NOT_FOUND, Outcome, OutcomeUnknown, PermanentFailure, RetryLater
from handlers.domain.runs.run import Content, ErrorSource, FunctionRun, Status
from tests.builders import FUNCTION_ARN, NOW, RUN_ID, a_pin, a_rerun, a_run, an_id
from tests.domain.runs.executing import PARAMETERS, moved_by_another
from tests.fakes import FakeClock, World


def test_a_run_is_executed_once_and_its_outcome_recorded(waiting: World, time: FakeClock) -> None:
    waiting.invoker.meanwhile = lambda: time.advance(seconds=1.25)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.execution_attempts) == (Status.COMPLETED, None, 1)
    assert (run.started_at, run.ended_at, run.duration_ms) == (NOW, NOW + timedelta(seconds=1.25), 1250)
    assert (run.claim_token, run.deadline, run.event_pending) == (None, None, False)
    assert waiting.opened(run, Content.RESULT) == b'{"ok":true}'
    assert waiting.opened(run, Content.LOGS) == b"END"
    assert waiting.opened(run, Content.ERROR) is None
    assert not run.result_omitted


def test_the_function_is_given_its_parameters_byte_for_byte(waiting: World) -> None:
    execute(RUN_ID, waiting.execution_deps)
    assert [each.parameters for each in waiting.invoker.invocations] == [PARAMETERS]


def test_a_run_is_claimed_before_it_is_executed(waiting: World) -> None:
    seen: list[FunctionRun] = []
    waiting.invoker.meanwhile = lambda: seen.append(waiting.run(RUN_ID))
    execute(RUN_ID, waiting.execution_deps)
    (claimed,) = seen
    assert (claimed.status, claimed.execution_attempts, claimed.pin) == (Status.RUNNING, 1, a_pin())
    assert claimed.claim_token
    # The version's own timeout and a minute.
    assert claimed.deadline == NOW + timedelta(seconds=30 + 60)
    assert waiting.invoker.invocations[0].run == claimed


def test_the_bus_is_told_once_of_the_finished_run(waiting: World) -> None:
    execute(RUN_ID, waiting.execution_deps)
    assert [(run.id, run.status) for run in waiting.bus.published] == [(RUN_ID, Status.COMPLETED)]


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILURE, Status.TIMEOUT, Status.CANCELLED])
def test_a_second_delivery_of_a_finished_run_does_nothing(world: World, status: Status) -> None:
    before = world.has_run(a_run(status=status))
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.NOT_OURS
    assert world.run(RUN_ID) == before
    assert not world.invoker.invocations
    assert not world.bus.published
    assert not world.queue.pushed


def test_a_second_delivery_of_a_running_run_does_nothing_until_its_lease_has_ended(
    world: World, time: FakeClock
) -> None:
    world.has_run(a_run(status="running"))
    time.advance(seconds=90)
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.NOT_OURS
    assert not world.invoker.invocations
    time.advance(seconds=0.001)
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    assert world.run(RUN_ID).execution_attempts == 2


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({"status": Status.COMPLETED}, ExecutionResult.NOT_OURS),
        ({"not_before": NOW + timedelta(minutes=1)}, ExecutionResult.POSTPONED),
        ({"waits_until": NOW + timedelta(minutes=1)}, ExecutionResult.NOT_OURS),
        ({"cancel_requested_at": NOW}, ExecutionResult.FINISHED),
    ],
)
def test_of_a_run_that_is_not_executed_now_no_content_is_fetched(
    waiting: World, changes: dict[str, Any], result: ExecutionResult
) -> None:
    waiting.runs.runs[RUN_ID] = waiting.run(RUN_ID).evolve(**changes)
    waiting.runs.objects_fail = True
    assert execute(RUN_ID, waiting.execution_deps).result is result


def test_a_message_of_a_run_that_is_gone_does_nothing(world: World) -> None:
    assert execute(an_id(404), world.execution_deps).result is ExecutionResult.NOT_OURS


def test_who_loses_the_claim_does_not_execute(waiting: World) -> None:
    waiting.code.meanwhile = lambda: moved_by_another(waiting)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    assert not waiting.invoker.invocations
    assert waiting.run(RUN_ID).claim_token == "another's"


def test_a_late_outcome_of_a_lost_claim_is_not_stored(waiting: World) -> None:
    waiting.invoker.meanwhile = lambda: moved_by_another(waiting)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    assert waiting.run(RUN_ID).status is Status.RUNNING
    assert waiting.opened(waiting.run(RUN_ID), Content.RESULT) is None
    assert not waiting.bus.published


def test_a_rerun_recorded_meanwhile_does_not_void_the_claim(waiting: World) -> None:
    def rerun_meanwhile() -> None:
        waiting.has_run(a_rerun(waiting.run(RUN_ID), created_at=NOW + timedelta(days=10)))

    waiting.invoker.meanwhile = rerun_meanwhile
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert run.rerun_count == 1
    assert run.expires_at == NOW + timedelta(days=100)


@pytest.mark.parametrize("reason", [RetryLater("TooManyRequestsException"), OutcomeUnknown("ConnectionFailed")])
def test_who_lost_the_claim_does_not_give_the_run_back(waiting: World, reason: Exception) -> None:
    waiting.invoker.script = [reason]
    waiting.invoker.meanwhile = lambda: moved_by_another(waiting)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    assert waiting.run(RUN_ID).claim_token == "another's"
    assert not waiting.queue.pushed


def test_a_pinned_version_that_was_deleted_fails_the_run_at_once(world: World) -> None:
    world.has_run(a_run(status="pending", pin=a_pin(3)), PARAMETERS)
    world.invoker.script = [PermanentFailure(VERSION_NOT_FOUND, "gone")]
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    assert world.run(RUN_ID).error_code == VERSION_NOT_FOUND


def test_what_a_workspace_may_no_longer_invoke_is_not_executed(waiting: World) -> None:
    waiting.invokable = InvokablePatterns({"another": [FUNCTION_ARN]}, own_functions="")
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).error_code == "FunctionAccessDenied"
    assert not waiting.invoker.invocations


@pytest.mark.parametrize("status", [Status.FAILURE, Status.TIMEOUT])
def test_a_function_s_failure_is_the_run_s(waiting: World, status: Status) -> None:
    waiting.invoker.script = [Outcome(status, "KeyError", logs=b"log", error=b'{"errorMessage":"order 1"}')]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code) == (status, "KeyError")
    assert waiting.opened(run, Content.ERROR) == b'{"errorMessage":"order 1"}'
    assert waiting.opened(run, Content.RESULT) is None
    assert not run.result_omitted
    assert "order 1" not in run.model_dump_json()


@pytest.mark.parametrize("source", ErrorSource)
def test_the_result_says_whose_error_it_was_whatever_its_name(waiting: World, source: ErrorSource) -> None:
    waiting.invoker.script = [Outcome(Status.FAILURE, "ExecutionLost", error_source=source)]
    result, run = execute(RUN_ID, waiting.execution_deps)
    assert result is ExecutionResult.FINISHED
    assert run is not None
    assert (run.error_code, run.error_source) == ("ExecutionLost", source)


def test_code_that_is_gone_for_good_fails_the_run_and_says_so(waiting: World) -> None:
    waiting.code.now[FUNCTION_ARN] = PermanentFailure("FunctionVersionNotFound", "It does not exist.")
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.execution_attempts) == (Status.FAILURE, "FunctionVersionNotFound", 0)
    assert json.loads(waiting.opened(run, Content.ERROR) or b"")["errorMessage"] == "It does not exist."
    assert (run.started_at, run.ended_at, run.duration_ms) == (None, NOW, None)
    assert waiting.bus.published


def test_code_that_may_run_for_too_long_is_not_awaited(waiting: World) -> None:
    waiting.code.now[FUNCTION_ARN] = a_pin(timeout_seconds=841)
    execute(RUN_ID, waiting.execution_deps)
    assert waiting.run(RUN_ID).error_code == "FunctionTimeoutTooLong"
    assert not waiting.invoker.invocations


def test_a_pinned_run_never_asks_for_the_current_code(world: World) -> None:
    world.has_run(a_run(status="pending", pin=a_pin(3)))
    world.code.now[FUNCTION_ARN] = a_pin(13)
    execute(RUN_ID, world.execution_deps)
    assert not world.code.request
    assert [each.pin for each in world.invoker.invocations] == [a_pin(3)]


@pytest.mark.parametrize("use_latest_code", [True, False])
def test_the_latest_code_is_looked_at_again(world: World, use_latest_code: bool) -> None:
    world.has_run(a_run(status="pending", use_latest_code=use_latest_code))
    execute(RUN_ID, world.execution_deps)
    assert world.code.request == [(FUNCTION_ARN, use_latest_code)]


def test_unreadable_parameters_fail_the_run_and_the_function_is_not_called(waiting: World) -> None:
    waiting.cipher.broken = True
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).error_code == "ParametersUnreadable"
    assert not waiting.invoker.invocations


def test_parameters_that_are_gone_fail_the_run_too(waiting: World) -> None:
    waiting.runs.parts.clear()
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).error_code == "ParametersUnreadable"


def test_a_result_that_did_not_come_to_its_end_leaves_the_run_completed(waiting: World) -> None:
    waiting.invoker.script = [Outcome(Status.COMPLETED, logs=b"log", result_lost=True)]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.result_omitted, run.execution_attempts) == (Status.COMPLETED, True, 1)
    assert waiting.opened(run, Content.LOGS) == b"log"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (b'{"errorType":"Deep","cause":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "Deep"),
        (b"[" * 500_000, "UnknownError"),
        (b'{"errorType":"' + b"x" * 2_000_000 + b'"}', "x" * 128),
        (b"\xff" * 400_000, "UnknownError"),
        (b"", "UnknownError"),
    ],
    ids=["deep", "never closed", "a long name", "junk", "nothing"],
)
def test_whatever_a_function_answers_it_is_executed_once(waiting: World, answer: bytes, code: str) -> None:
    waiting.invoker.script = [Outcome.of_failed_invocation(answer)]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.execution_attempts) == (Status.FAILURE, code, 1)
    assert reveal(run, [Content.ERROR], waiting.runs, waiting.cipher)[Content.ERROR] is not None
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    assert len(waiting.invoker.invocations) == 1


@pytest.mark.parametrize(("size", "omitted"), [(MAX_BYTES, False), (MAX_BYTES + 1, True)])
def test_a_result_too_large_to_keep_leaves_the_run_completed(waiting: World, size: int, omitted: bool) -> None:
    waiting.invoker.script = [Outcome(Status.COMPLETED, result=b"1" * size, logs=b"log")]
    execute(RUN_ID, waiting.execution_deps)
    run = waiting.run(RUN_ID)
    assert (run.status, run.result_omitted) == (Status.COMPLETED, omitted)
    assert (waiting.opened(run, Content.RESULT) is None) is omitted
    assert waiting.opened(run, Content.LOGS) == b"log"


def test_an_error_too_large_to_keep_keeps_its_beginning(waiting: World) -> None:
    waiting.invoker.script = [Outcome(Status.FAILURE, "KeyError", error=b'{"errorMessage":"' + b"x" * MAX_BYTES)]
    execute(RUN_ID, waiting.execution_deps)
    kept = json.loads(waiting.opened(waiting.run(RUN_ID), Content.ERROR) or b"")
    assert kept.startswith('{"errorMessage":"xxx')
    assert 10_000 <= len(kept) < 11_000


def test_a_kms_that_fails_after_the_execution_costs_the_content_and_not_a_second_execution(waiting: World) -> None:
    def kms_goes_down() -> None:
        waiting.cipher.cannot_seal = True

    waiting.invoker.meanwhile = kms_goes_down
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.result_omitted) == (Status.COMPLETED, True)
    assert waiting.runs.parts.keys() == {(RUN_ID, Content.PARAMETERS)}
    assert waiting.bus.published


def test_an_event_that_the_bus_did_not_take_is_left_to_the_watchdog(waiting: World) -> None:
    waiting.bus.fails = True
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.event_pending) == (Status.COMPLETED, True)
    assert run.deadline == NOW + timedelta(seconds=60)


def test_the_bus_hears_of_a_run_only_after_it_is_recorded(waiting: World) -> None:
    class AttentiveBus:
        def __init__(self) -> None:
            self.stored: list[FunctionRun] = []

        def publish(self, runs: Sequence[FunctionRun]) -> list[FunctionRun]:
            self.stored += [waiting.run(run.id) for run in runs]
            return list(runs)

    bus = AttentiveBus()
    execute(RUN_ID, waiting.execution_deps._replace(bus=bus))
    assert [(run.status, run.event_pending) for run in bus.stored] == [(Status.COMPLETED, True)]
