"""Erasing: what a run holds is gone at once and stays gone, whatever is under way with it; the run itself stays."""

from datetime import timedelta
from typing import Any

import pytest

from handlers.domain.audit.act import Act, Action
from handlers.domain.errors import InvalidRunId, NoParameters, NotFound, ServiceError, Unavailable
from handlers.domain.runs.cancel import cancel
from handlers.domain.runs.erase import LAST_LOOK, erase
from handlers.domain.runs.execution import ExecutionResult, execute
from handlers.domain.runs.finish import MAX_ATTEMPTS
from handlers.domain.runs.history import reveal
from handlers.domain.runs.outcome import OutcomeUnknown, RetryLater
from handlers.domain.runs.run import Content, ErrorSource, Part, Status
from handlers.domain.starting.rerun import RerunBody, RerunRequest, prepare
from handlers.domain.starting.retry import RetryResult, retry
from handlers.domain.starting.start import commit
from handlers.domain.upkeep.erasures import ErasureResult, complete_erasures
from handlers.domain.upkeep.recovery import RecoveryResult
from tests.builders import NOW, RUN_ID, WORKSPACE, a_rerun, a_run, a_trigger, an_act, an_id
from tests.domain.watching import a_pass, an_hour_passes
from tests.fakes import FakeClock, World

ALL = list(Content)


def erased(world: World, run_id: str = RUN_ID, workspace: str = WORKSPACE) -> None:
    act = Act.done(Action.ERASE, "alice", workspace, kept_for=timedelta(days=400))
    erase(workspace, run_id, act, world.erase_deps)


def marked(world: World) -> None:
    """Somebody erases it, and has not come further than that."""
    act = Act.done(Action.ERASE, "alice", WORKSPACE, kept_for=timedelta(days=400))
    world.erasures.begin(world.run(RUN_ID), act)


def parts_of(world: World, run_id: str = RUN_ID) -> list[str]:
    return [name for run, name in world.runs.parts if run == run_id]


def a_look(world: World) -> dict[ErasureResult, int]:
    """What the watchdog does with erasures each minute."""

    def report(fault: Exception, _: object) -> None:
        assert isinstance(fault, Unavailable)

    return dict(complete_erasures(world.erase_deps, has_time=lambda: True, report=report))


def rerun(world: World, run_id: str = RUN_ID) -> None:
    request = RerunRequest(WORKSPACE, run_id, "bob", RerunBody())
    prepared = prepare(request, world.rerun_deps)
    commit(prepared, world.start_deps)  # type: ignore[arg-type]


def test_what_a_run_holds_is_gone_and_the_run_stays(waiting: World) -> None:
    execute(RUN_ID, waiting.execution_deps)
    before = waiting.run(RUN_ID)
    assert len(parts_of(waiting)) == 2
    erased(waiting)
    assert parts_of(waiting) == []
    after = waiting.run(RUN_ID)
    assert after == before.evolve(erased_at=NOW)
    assert reveal(after, ALL, waiting.runs, waiting.cipher) == dict.fromkeys(ALL)


def test_a_run_that_is_marked_shows_nothing_even_if_nothing_has_been_deleted_yet(waiting: World) -> None:
    execute(RUN_ID, waiting.execution_deps)
    waiting.faults.inject(2)
    with pytest.raises(Unavailable):
        erased(waiting)
    assert len(parts_of(waiting)) == 2
    assert reveal(waiting.run(RUN_ID), ALL, waiting.runs, waiting.cipher) == dict.fromkeys(ALL)


def test_a_pending_run_ends_unexecuted(waiting: World, time: FakeClock) -> None:
    erased(waiting)
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.error_source) == (Status.FAILURE, "ContentErased", ErrorSource.SERVICE)
    assert (run.ended_at, run.execution_attempts, run.outcome_id) == (NOW, 0, None)
    assert [each.id for each in waiting.bus.published] == [RUN_ID]
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    an_hour_passes(waiting, time)
    assert waiting.invoker.invocations == []


def test_the_outcome_of_a_running_run_is_not_kept(waiting: World) -> None:
    waiting.invoker.meanwhile = lambda: erased(waiting)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.FINISHED
    run = waiting.run(RUN_ID)
    assert (run.status, run.outcome_id, run.erased_at) == (Status.COMPLETED, None, NOW)
    assert parts_of(waiting) == []
    assert [each.status for each in waiting.bus.published] == [Status.COMPLETED]


def test_a_run_that_is_erased_while_it_is_claimed_is_not_executed(waiting: World, time: FakeClock) -> None:
    waiting.code.meanwhile = lambda: marked(waiting)
    assert execute(RUN_ID, waiting.execution_deps).result is ExecutionResult.NOT_OURS
    assert waiting.invoker.invocations == []
    time.advance(minutes=2)
    assert a_look(waiting) == {ErasureResult.LOOKED_AGAIN: 1}
    assert (waiting.run(RUN_ID).error_code, parts_of(waiting)) == ("ContentErased", [])


@pytest.mark.parametrize("reason", [RetryLater("TooManyRequestsException"), OutcomeUnknown("ConnectionFailed")])
def test_a_run_that_would_be_executed_again_is_not(waiting: World, time: FakeClock, reason: Exception) -> None:
    waiting.invoker.script = [reason]
    waiting.invoker.meanwhile = lambda: erased(waiting)
    execute(RUN_ID, waiting.execution_deps)
    an_hour_passes(waiting, time)
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, len(waiting.invoker.invocations)) == (Status.FAILURE, "ContentErased", 1)
    assert parts_of(waiting) == []


def test_a_run_whose_executions_were_lost_has_no_sealed_error(world: World, time: FakeClock) -> None:
    world.has_run(a_run(status="running", execution_attempts=MAX_ATTEMPTS))
    erased(world)
    time.advance(minutes=2)
    assert a_pass(world) == [RecoveryResult.ERASED]
    assert parts_of(world) == []


def test_a_marked_run_may_be_cancelled(waiting: World) -> None:
    marked(waiting)
    assert cancel(WORKSPACE, RUN_ID, an_act(), waiting.cancel_deps).status is Status.CANCELLED
    erased(waiting)
    assert (waiting.run(RUN_ID).status, parts_of(waiting)) == (Status.CANCELLED, [])


def test_a_cancelled_run_that_was_given_back_ends_as_cancelled(waiting: World) -> None:
    run = waiting.run(RUN_ID)
    waiting.runs.runs[RUN_ID] = run.evolve(cancel_requested_at=NOW, cancel_requested_by="alice")
    erased(waiting)
    assert (waiting.run(RUN_ID).status, parts_of(waiting)) == (Status.CANCELLED, [])


def test_large_parameters_that_are_erased_before_they_are_fetched_are_not_called_unreadable(
    waiting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = waiting.runs.read(RUN_ID, Part.PARAMETERS)
    assert recorded is not None

    def fetched() -> None:
        marked(waiting)

    monkeypatch.setattr(waiting.runs, "read", lambda *_: recorded._replace(sealed=fetched))
    execute(RUN_ID, waiting.execution_deps)
    assert waiting.invoker.invocations == []
    run = waiting.run(RUN_ID)
    assert (run.status, run.error_code, run.error_source) == (Status.FAILURE, "ContentErased", ErrorSource.SERVICE)


def test_erasing_twice_is_erasing_once(installed: World, time: FakeClock) -> None:
    erased(installed)
    time.advance(seconds=5)
    erased(installed)
    assert installed.run(RUN_ID).erased_at == NOW
    assert len(installed.erasures.reminders) == 1
    (act,) = installed.audit_log.acts
    assert (act.action, act.by, act.workspace, act.run_id, act.at) == ("erase", "alice", WORKSPACE, RUN_ID, NOW)


def test_it_cannot_be_rerun(installed: World) -> None:
    erased(installed)
    with pytest.raises(NoParameters):
        rerun(installed)
    assert installed.run(RUN_ID).rerun_count == 0


@pytest.mark.parametrize("of", ["an original", "a re-run"])
def test_a_rerun_that_was_prepared_before_is_refused_at_its_commit(installed: World, of: str) -> None:
    """Else a copy of the parameters would appear after all runs of the lineage have been erased."""
    source = installed.run(RUN_ID)
    if of == "a re-run":
        source = installed.has_run(a_rerun(source, id=an_id(5)))
    prepared = prepare(RerunRequest(WORKSPACE, source.id, "bob", RerunBody()), installed.rerun_deps)
    erased(installed, source.id)
    with pytest.raises(NoParameters):
        commit(prepared, installed.start_deps)  # type: ignore[arg-type]


def test_the_other_runs_of_its_lineage_are_as_they_were(installed: World) -> None:
    other = installed.has_run(a_rerun(installed.run(RUN_ID), id=an_id(5)))
    erased(installed)
    assert installed.opened(other, Content.PARAMETERS) == b"{}"
    rerun(installed, other.id)
    assert installed.run(RUN_ID).rerun_count == 2


RETRIES = {"maxRetries": 3}


@pytest.mark.parametrize("erased_by", ["before", "meanwhile"])
def test_it_is_not_retried(world: World, monkeypatch: pytest.MonkeyPatch, erased_by: str) -> None:
    world.has_registered(a_trigger(retry_policy=RETRIES))
    world.has_run(a_run(status="failure", error_code="ValueError", retriable=True, event_pending=True))
    if erased_by == "before":
        erased(world)
    else:
        seal = world.cipher.seal

        def meanwhile(*args: Any) -> bytes:
            erased(world)
            return seal(*args)

        monkeypatch.setattr(world.cipher, "seal", meanwhile)
    assert retry(RUN_ID, world.runs, world.rerun_deps, world.start_deps).result == NoParameters.code
    assert not world.run(RUN_ID).event_pending
    assert list(world.runs.runs) == [RUN_ID]


def test_one_that_ends_unexecuted_is_not_retried(world: World) -> None:
    world.has_registered(a_trigger(retry_policy=RETRIES))
    world.has_run(a_run(status="pending", retriable=True))
    erased(world)
    assert retry(RUN_ID, world.runs, world.rerun_deps, world.start_deps).result == RetryResult.NOT_RETRYABLE


@pytest.mark.parametrize(
    ("of", "error"),
    [
        ({"run_id": "no-uuid"}, InvalidRunId),
        ({"run_id": RUN_ID.replace("5", "6")}, NotFound),
        ({"workspace": "globex"}, NotFound),
    ],
)
def test_only_a_run_of_the_workspace_can_be_erased(
    installed: World, of: dict[str, Any], error: type[ServiceError]
) -> None:
    with pytest.raises(error):
        erased(installed, **of)
    assert (installed.run(RUN_ID).erased_at, parts_of(installed)) == (None, ["parameters"])


def test_one_that_has_expired_is_not_there(installed: World, time: FakeClock) -> None:
    time.advance(days=91)
    with pytest.raises(NotFound):
        erased(installed)


@pytest.mark.parametrize("status", ["pending", "completed"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("answer_lost", [False, True])
def test_what_breaks_off_is_finished_by_the_watchdog_or_was_never_begun(
    world: World, time: FakeClock, status: str, nth: int, answer_lost: bool
) -> None:
    world.has_run(a_run(status=status))
    world.faults.inject(nth, answer_lost=answer_lost)
    try:
        erased(world)
    except Unavailable:
        time.advance(minutes=1)
        a_look(world)
    run = world.run(RUN_ID)
    if nth == 1 and not answer_lost:
        assert (run.erased_at, parts_of(world)) == (None, ["parameters"])
    else:
        assert (run.status.is_open, run.erased_at, parts_of(world)) == (False, NOW, [])


def test_the_watchdog_looks_until_no_execution_can_be_alive(waiting: World, time: FakeClock) -> None:
    """An executor that has lost its claim writes a large outcome first, and dies."""
    erased(waiting)
    time.advance(minutes=1)
    assert a_look(waiting) == {ErasureResult.LOOKED_AGAIN: 1}
    time.advance(minutes=1)
    assert a_look(waiting) == {}
    late = waiting.run(RUN_ID).evolve(outcome_id="late")
    waiting.runs._store(late, {Part.OUTCOME: b"sealed"})
    time.advance(minutes=14)
    assert a_look(waiting) == {ErasureResult.COMPLETED: 1}
    assert parts_of(waiting) == []
    time.advance(minutes=LAST_LOOK.total_seconds())
    assert a_look(waiting) == {}


@pytest.mark.parametrize("nth", [1, 2])
def test_a_look_that_fails_is_made_again(waiting: World, time: FakeClock, nth: int) -> None:
    erased(waiting)
    time.advance(minutes=16)
    waiting.faults.inject(nth)
    assert a_look(waiting) == {ErasureResult.FAILED: 1}
    assert a_look(waiting) == {ErasureResult.COMPLETED: 1}


def test_the_parts_of_a_run_that_has_expired_meanwhile_go_all_the_same(installed: World, time: FakeClock) -> None:
    installed.faults.inject(2)
    with pytest.raises(Unavailable):
        erased(installed)
    time.advance(days=91)
    assert a_look(installed) == {ErasureResult.COMPLETED: 1}
    assert parts_of(installed) == []
