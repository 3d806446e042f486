"""Erasures: the mark keeps content away from a run, whatever comes, and leaves all else as it is."""

from datetime import timedelta
from uuid import uuid4

import pytest

from handlers.aws.erasures import Erasures as ErasuresInTheTable
from handlers.aws.table import Table
from handlers.domain import clock
from handlers.domain.audit.act import Act, Action
from handlers.domain.errors import NoParameters
from handlers.domain.runs.erase import FIRST_LOOK, Erasures
from handlers.domain.runs.run import FunctionRun, Part, Status, new_token
from infra.local.local_stack import LocalStack
from tests.aws.storing import nowhere, parts_of
from tests.builders import WORKSPACE
from tests.contracts.conftest import FAKE
from tests.contracts.test_runs import PARTS, RunPorts, a_rerun_of, now, runs, stored
from tests.fakes.audit import InMemoryAuditLog
from tests.fakes.erasures import InMemoryErasures
from tests.fakes.stores import InMemoryRuns

__all__ = ["runs"]


@pytest.fixture
def erasures(request: pytest.FixtureRequest, implementation: str, runs: RunPorts) -> Erasures:
    if implementation == FAKE:
        assert isinstance(runs, InMemoryRuns)
        return InMemoryErasures(runs, InMemoryAuditLog())
    table: Table = request.getfixturevalue("table")
    local_stack: LocalStack = request.getfixturevalue("local_stack")
    return ErasuresInTheTable(table, parts_of(local_stack, table), report=nowhere)


def marked(run: FunctionRun, erasures: Erasures) -> Act:
    act = Act.done(Action.ERASE, "alice", WORKSPACE, kept_for=timedelta(days=400), run_id=run.id)
    erasures.begin(run, act)
    return act


def running(runs: RunPorts) -> FunctionRun:
    return stored(runs, status="running", claim_token="a", deadline=now() + timedelta(minutes=5))


def completed(run: FunctionRun) -> FunctionRun:
    return run.moved(status=Status.COMPLETED, claim_token=None, deadline=None, outcome_id=new_token())


def test_what_is_sealed_is_deleted_and_the_run_is_marked_once(runs: RunPorts, erasures: Erasures) -> None:
    run = running(runs)
    ended = completed(run)
    assert runs.transition(run, ended, b"outcome")
    act = marked(run, erasures)
    marked(run, erasures)
    erasures.delete_content(run.id)
    found = runs.read_run(run.id)
    assert found is not None
    assert found == ended.evolve(erased_at=found.erased_at)
    assert abs((found.erased_at or now()) - act.at) < timedelta(milliseconds=1)
    assert runs.read_parts(found, Part) == {}


@pytest.mark.parametrize("size", [1, 2000, 400_000])
def test_an_end_is_stored_without_the_outcome_that_comes_too_late(
    runs: RunPorts, erasures: Erasures, size: int
) -> None:
    run = running(runs)
    marked(run, erasures)
    late = completed(run)
    assert runs.transition(run, late, b"x" * size)
    found = runs.read_run(run.id)
    assert found is not None
    assert (found.status, found.outcome_id, found.erased_at is None) == (Status.COMPLETED, None, False)
    assert runs.read_parts(late, [Part.OUTCOME]) == {}


def test_a_claim_is_void_and_other_moves_are_not(runs: RunPorts, erasures: Erasures) -> None:
    run = stored(runs, status="pending", deadline=now() + timedelta(minutes=1))
    marked(run, erasures)
    assert not runs.transition(run, run.moved(status=Status.RUNNING, claim_token="a"))
    assert runs.transition(run, run.moved(status=Status.FAILURE, deadline=None, error_code="ContentErased"))


def test_no_copy_of_its_parameters_is_recorded_and_others_are(runs: RunPorts, erasures: Erasures) -> None:
    original = stored(runs)
    rerun = a_rerun_of(original)
    assert runs.record_rerun(rerun, PARTS)
    of_the_rerun = {"source_run_id": rerun.id}
    marked(original, erasures)
    with pytest.raises(NoParameters):
        runs.record_rerun(a_rerun_of(original), PARTS)
    assert runs.record_rerun(a_rerun_of(original, **of_the_rerun), PARTS)
    marked(rerun, erasures)
    with pytest.raises(NoParameters):
        runs.record_rerun(a_rerun_of(original, **of_the_rerun), PARTS)


def test_a_failure_that_is_recovered_and_erased_meanwhile_is_neither_unrecovered_nor_has_it_an_outcome(
    runs: RunPorts, erasures: Erasures
) -> None:
    run = running(runs)
    rerun = a_rerun_of(run, status="completed")
    assert runs.record_rerun(rerun, PARTS)
    runs.mark_recovered(rerun)
    marked(run, erasures)
    assert runs.transition(run, completed(run).evolve(status=Status.FAILURE), b"outcome")
    found = runs.read_run(run.id)
    assert found is not None
    assert (found.status, found.recovered_by, found.outcome_id) == (Status.FAILURE, rerun.id, None)


def test_one_is_due_after_a_minute_until_it_is_ended(
    runs: RunPorts, erasures: Erasures, monkeypatch: pytest.MonkeyPatch
) -> None:
    def due() -> list[str]:
        return [each.run_id for each in erasures.due() if each.run_id == run.id]

    run, at = stored(runs, id=str(uuid4())), clock.now()
    marked(run, erasures)
    assert due() == []
    monkeypatch.setattr(clock, "now", lambda: at + FIRST_LOOK + timedelta(seconds=1))
    (erasure,) = [each for each in erasures.due() if each.run_id == run.id]
    erasures.postpone(erasure, at + timedelta(hours=1))
    assert due() == []
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(hours=2))
    assert due() == [run.id]
    erasures.end(erasure)
    assert due() == []
