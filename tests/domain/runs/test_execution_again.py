"""Runs that are not executed at the first attempt: postponed, uncertain, lost."""

from datetime import timedelta

import pytest

from handlers.domain.errors import Unavailable
from handlers.domain.runs.execution import LEASE_MARGIN, ExecutionResult, execute
from handlers.domain.runs.finish import MAX_ATTEMPTS
from handlers.domain.runs.outcome import (
    STATE_FAILED,
    VERSION_NOT_FOUND,
    NotReady,
    OutcomeUnknown,
    PermanentFailure,
    RetryLater,
)
from handlers.domain.runs.run import Content, FunctionRun, Status
from handlers.domain.seal import SealContext
from tests.builders import FUNCTION_ARN, NOW, RUN_ID, a_pin, a_run
from tests.domain.watching import a_pass
from tests.fakes import FakeClock, World


@pytest.mark.parametrize("where", ["code", "invoker", "kms", "bucket"])
def test_what_cannot_be_invoked_yet_is_postponed_and_not_counted(waiting: World, where: str) -> None:
    if where == "code":
        waiting.code.now[FUNCTION_ARN] = RetryLater("TooManyRequestsException")
    elif where == "invoker":
        waiting.invoker.script = [RetryLater("TooManyRequestsException")]
    elif where == "kms":
        waiting.cipher.cannot_open = True
    else:
        waiting.runs.objects_fail = True
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED
    run = waiting.run(RUN_ID)
    assert (run.status, run.claim_token, run.execution_attempts, run.postponements) == (Status.PENDING, None, 0, 1)
    assert waiting.queue.pushed == [(RUN_ID, 1)]
    # The watchdog leaves it alone until its message should have come.
    assert run.deadline == NOW + timedelta(seconds=1 + 60)
    assert not waiting.bus.published


def test_a_postponed_run_says_why_it_waits_until_it_is_claimed_again(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [RetryLater("TooManyRequestsException"), OutcomeUnknown("ConnectionFailed")]
    for code in ("TooManyRequestsException", "ConnectionFailed"):
        after_the_lease(waiting, time)
        assert waiting.run(RUN_ID).error_code == code
    seen: list[str | None] = []
    waiting.invoker.meanwhile = lambda: seen.append(waiting.run(RUN_ID).error_code)
    after_the_lease(waiting, time)
    assert seen == [None]
    assert waiting.run(RUN_ID).error_code is None


def test_a_run_that_was_only_waiting_its_turn_is_throttled_for_the_first_time(waiting: World) -> None:
    waiting.runs.runs[RUN_ID] = waiting.run(RUN_ID).evolve(postponements=50)
    waiting.invoker.script = [RetryLater("TooManyRequestsException")]
    execute(RUN_ID, waiting.execution_deps)
    assert waiting.queue.pushed == [(RUN_ID, 1)]


def test_a_postponed_run_waits_longer_each_time(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [RetryLater("TooManyRequestsException") for _ in range(12)]
    for _ in range(12):
        execute(RUN_ID, waiting.execution_deps)
        time.advance(seconds=waiting.queue.pushed[-1].delay_seconds)
    longest = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    waited = [each.delay_seconds for each in waiting.queue.pushed]
    # Not all alike: what was throttled together would be throttled together again.
    assert all(most / 2 <= seconds <= most for seconds, most in zip(waited, longest, strict=True))
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).execution_attempts == 1


def test_a_postponed_run_whose_push_failed_is_left_to_the_watchdog(waiting: World) -> None:
    waiting.invoker.script = [RetryLater("TooManyRequestsException")]
    waiting.queue.fails = True
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED
    assert waiting.run(RUN_ID).deadline is not None


def test_an_execution_whose_outcome_is_not_known_is_counted(waiting: World) -> None:
    waiting.invoker.script = [OutcomeUnknown("ConnectionFailed")]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED
    run = waiting.run(RUN_ID)
    assert (run.status, run.execution_attempts, run.error_code) == (Status.RUNNING, 1, "ConnectionFailed")


def test_a_function_that_may_still_be_at_work_is_not_executed_beside_itself(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [OutcomeUnknown("ConnectionFailed")]
    execute(RUN_ID, waiting.execution_deps)
    time.advance(seconds=a_pin().timeout_seconds or 0)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    time.advance(seconds=LEASE_MARGIN.total_seconds() + 1)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).execution_attempts == 2


def test_current_code_that_was_deleted_since_it_was_looked_up_is_looked_up_again(
    waiting: World, time: FakeClock
) -> None:
    waiting.invoker.script = [PermanentFailure(VERSION_NOT_FOUND, "gone")]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED
    assert (waiting.code.forgotten, waiting.run(RUN_ID).pin) == ([a_pin(7)], None)
    time.advance(seconds=2)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert (waiting.run(RUN_ID).pin, waiting.run(RUN_ID).execution_attempts) == (a_pin(8), 1)


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_a_version_that_is_not_ready_is_waited_for_unless_it_will_never_be(waiting: World, state: str) -> None:
    waiting.invoker.script = [NotReady("ResourceConflictException")]
    waiting.code.failed = PermanentFailure(STATE_FAILED, "It is in the state Failed.") if state == "failed" else None
    result, known = execute(RUN_ID, waiting.execution_deps)
    run = waiting.run(RUN_ID)
    assert known is not None
    assert (known.status, known.error_code) == (run.status, run.error_code)
    if state == "failed":
        assert (result, run.status, run.error_code) == (ExecutionResult.FINISHED, Status.FAILURE, STATE_FAILED)
    else:
        assert (result, run.status, run.error_code) == (
            ExecutionResult.POSTPONED,
            Status.PENDING,
            "ResourceConflictException",
        )


def test_code_that_is_gone_each_time_it_is_looked_up_fails_the_run(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [PermanentFailure(VERSION_NOT_FOUND, "gone") for _ in range(10)]
    results = []
    for _ in range(2):
        results.append(execute(RUN_ID, waiting.execution_deps).result)
        time.advance(minutes=1)
    assert results == [ExecutionResult.POSTPONED, ExecutionResult.FINISHED]
    assert [refresh for _, refresh in waiting.code.request] == [False, True], "not what another executor remembers"
    assert waiting.run(RUN_ID).error_code == VERSION_NOT_FOUND


def test_however_long_a_run_has_waited_its_code_is_looked_up_again(waiting: World) -> None:
    waiting.runs.runs[RUN_ID] = waiting.run(RUN_ID).evolve(postponements=50, error_code="TooManyRequestsException")
    waiting.invoker.script = [PermanentFailure(VERSION_NOT_FOUND, "gone")]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED


@pytest.mark.parametrize(("seconds", "result"), [(20, ExecutionResult.FINISHED), (40, ExecutionResult.POSTPONED)])
def test_a_function_is_not_called_when_its_lease_may_end_before_it_does(
    waiting: World, time: FakeClock, monkeypatch: pytest.MonkeyPatch, seconds: int, result: ExecutionResult
) -> None:
    opened = waiting.cipher.open

    def open_slowly(sealed: bytes, seal_context: SealContext) -> bytes:
        time.advance(seconds=seconds)
        return opened(sealed, seal_context)

    monkeypatch.setattr(waiting.cipher, "open", open_slowly)
    assert execute(RUN_ID, waiting.execution_deps).result is result
    assert bool(waiting.invoker.invocations) == (result is ExecutionResult.FINISHED)


def test_a_key_that_is_disabled_keeps_the_run_waiting(waiting: World) -> None:
    waiting.cipher.refused = True
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.POSTPONED
    assert (waiting.run(RUN_ID).status, waiting.run(RUN_ID).error_code) == (Status.PENDING, "KeyRefused")
    waiting.cipher.refused = False
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED


def after_the_lease(world: World, time: FakeClock) -> ExecutionResult:
    time.advance(minutes=5)
    return execute(RUN_ID, world.execution_deps).result


def test_after_three_lost_executions_the_run_fails_as_lost(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [OutcomeUnknown("ConnectionFailed") for _ in range(MAX_ATTEMPTS)]
    results = [after_the_lease(waiting, time) for _ in range(MAX_ATTEMPTS + 1)]
    assert results == [ExecutionResult.POSTPONED] * MAX_ATTEMPTS + [ExecutionResult.FINISHED]
    assert len(waiting.invoker.invocations) == MAX_ATTEMPTS
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.execution_attempts) == (Status.FAILURE, "ExecutionLost", MAX_ATTEMPTS)
    assert b"ExecutionLost" in (waiting.opened(run, Content.ERROR) or b"")
    assert [each.error_code for each in waiting.bus.published] == ["ExecutionLost"]


def test_throttling_between_lost_executions_is_not_counted(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [
        OutcomeUnknown("ConnectionFailed"),
        RetryLater("TooManyRequestsException"),
        OutcomeUnknown("ConnectionFailed"),
        RetryLater("TooManyRequestsException"),
        OutcomeUnknown("ConnectionFailed"),
    ]
    for _ in range(5):
        after_the_lease(waiting, time)
    assert waiting.run(RUN_ID).execution_attempts == 3


def test_a_running_run_that_was_lost_three_times_is_not_executed_again(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running", execution_attempts=MAX_ATTEMPTS))
    time.advance(hours=1)
    assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    assert not world.invoker.invocations
    assert world.run(RUN_ID).error_code == "ExecutionLost"


@pytest.mark.parametrize("reason", [RetryLater("TooManyRequestsException"), OutcomeUnknown("ConnectionFailed")])
def test_a_later_attempt_runs_the_version_of_the_first_claim(
    waiting: World, time: FakeClock, reason: Exception
) -> None:
    waiting.invoker.script = [reason]
    execute(RUN_ID, waiting.execution_deps)
    waiting.code.now[FUNCTION_ARN] = a_pin(8)
    after_the_lease(waiting, time)
    assert [each.pin for each in waiting.invoker.invocations] == [a_pin(7), a_pin(7)]
    assert waiting.run(RUN_ID).pin == a_pin(7)


def test_a_function_that_is_throttled_for_an_hour_is_executed_once_in_the_end(waiting: World, time: FakeClock) -> None:
    due = [(time.moment, RUN_ID)]
    tries = 0
    # Messages come up to a minute late, so that the watchdog pushes the run again now and then.
    for minute in range(120):
        time.advance(minutes=1)
        a_pass(waiting)
        due += [(time.moment + timedelta(seconds=each.delay_seconds), each.run_id) for each in waiting.queue.pushed]
        waiting.queue.pushed.clear()
        for moment, run_id in [each for each in due if each[0] <= time.moment]:
            due.remove((moment, run_id))
            waiting.invoker.script = [RetryLater("TooManyRequestsException")] if minute < 60 else []
            tries += execute(run_id, waiting.execution_deps).result is not ExecutionResult.NOT_OURS
    run = waiting.run(RUN_ID)
    assert (run.status, run.execution_attempts) == (Status.COMPLETED, 1)
    # Not hammered: the pauses grow, and messages do not multiply.
    assert 8 < tries < 20


def test_a_message_beside_that_of_a_postponed_run_starts_nothing(waiting: World, time: FakeClock) -> None:
    waiting.invoker.script = [RetryLater("TooManyRequestsException")] * 8
    for _ in range(8):
        time.advance(minutes=15)
        execute(RUN_ID, waiting.execution_deps)
    waiting.queue.pushed.clear()
    time.advance(seconds=60)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    assert not waiting.queue.pushed
    time.advance(minutes=15)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    assert waiting.run(RUN_ID).waits_until is None


@pytest.mark.parametrize("faults", [1, 2, 4])
def test_an_outcome_that_cannot_be_stored_at_once_is_not_executed_for_again(
    waiting: World, monkeypatch: pytest.MonkeyPatch, faults: int
) -> None:
    transition, left = waiting.runs.transition, [Unavailable()] * faults

    def injected(before: FunctionRun, after: FunctionRun, outcome: bytes | None = None, act: None = None) -> bool:
        if outcome and left:
            raise left.pop()
        return transition(before, after, outcome)

    monkeypatch.setattr(waiting.runs, "transition", injected)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    # In the end without the result: it may be that which cannot be stored.
    assert (run.status, run.result_omitted) == (Status.COMPLETED, faults > 1)
    assert (waiting.opened(run, Content.RESULT) is None) == run.result_omitted
    assert waiting.opened(run, Content.LOGS) == b"END"


def test_an_outcome_whose_answer_was_lost_is_published_as_it_is_stored(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    transition, left = waiting.runs.transition, [Unavailable()] * 2

    def loses_the_answer(
        before: FunctionRun, after: FunctionRun, outcome: bytes | None = None, act: None = None
    ) -> bool:
        is_first = len(left) == 2
        done = (is_first or not left or outcome is None) and transition(before, after, outcome)
        if outcome and left:
            raise left.pop()
        return done

    monkeypatch.setattr(waiting.runs, "transition", loses_the_answer)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    (published,) = waiting.bus.published
    run = waiting.run(RUN_ID)
    assert (published.outcome_id, published.result_omitted) == (run.outcome_id, run.result_omitted)
    assert (run.result_omitted, run.event_pending) == (False, False)
    assert waiting.opened(run, Content.RESULT) is not None


@pytest.mark.parametrize("by", ["the executor", "the watchdog"])
def test_a_run_that_has_waited_for_as_long_as_runs_are_kept_ends_before_it_is_gone(
    world: World, time: FakeClock, by: str
) -> None:
    world.has_run(a_run(status="pending", expires_at=NOW + timedelta(hours=1)))
    time.advance(minutes=30)
    if by == "the executor":
        assert execute(RUN_ID, world.execution_deps).result is ExecutionResult.FINISHED
    else:
        a_pass(world)
    run = world.run(RUN_ID)
    assert (run.status, run.error_code, len(world.bus.published)) == (Status.FAILURE, "RunExpired", 1)
    assert not world.invoker.invocations
