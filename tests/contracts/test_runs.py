"""Runs: recorded all or nothing, moved by one at a time, re-run within their lineage, found once they are overdue."""

from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

import pytest

from handlers.domain import clock
from handlers.domain.errors import RerunLimitReached, RunNotFound
from handlers.domain.paging import Page
from handlers.domain.runs.history import LineageReader
from handlers.domain.runs.ports import OverdueRuns
from handlers.domain.runs.run import FunctionRun, Part, Status, new_token
from handlers.domain.starting.idempotency import (
    KEPT_FOR,
    AlreadyStarted,
    IdempotencyKey,
    KeptRequest,
    SealedKey,
    request_key,
)
from handlers.domain.starting.rerun import KeyedRunReader
from handlers.domain.starting.start import LineageMoved, RunRecorder
from tests.aws.conftest import MAX_RERUNS
from tests.aws.storing import new_run
from tests.builders import WORKSPACE, a_rerun
from tests.contracts.conftest import FAKE
from tests.fakes.stores import InMemoryRuns

PARTS = {Part.PARAMETERS: b"sealed"}
ABSENT = "00000000-0000-4000-8000-00000000dead"


class RunPorts(OverdueRuns, RunRecorder, KeyedRunReader, LineageReader, Protocol):
    """All that is kept of runs."""


@pytest.fixture
def runs(request: pytest.FixtureRequest, implementation: str) -> RunPorts:
    found: RunPorts = (
        InMemoryRuns(max_reruns=MAX_RERUNS) if implementation == FAKE else request.getfixturevalue("runs_in_the_table")
    )
    return found


def now() -> datetime:
    """DynamoDB expires by seconds."""
    return clock.now().replace(microsecond=0)


def stored(runs: RunPorts, **changes: Any) -> FunctionRun:
    run = new_run(**{"expires_at": now() + timedelta(days=90)} | changes)
    assert runs.record(run, PARTS)
    return run


def a_rerun_of(original: FunctionRun, **changes: Any) -> FunctionRun:
    literals: dict[str, Any] = {"id": str(uuid4()), "status": "pending", "created_at": now()}
    literals |= {"deadline": None, "expires_at": now() + timedelta(days=90)}
    return a_rerun(original, **literals | changes)


def test_a_run_is_read_as_it_was_recorded_with_its_parts(runs: RunPorts) -> None:
    run = new_run()
    assert runs.record(run, PARTS)
    assert runs.read_run(run.id) == run
    assert runs.read_parts(run, [Part.PARAMETERS, Part.OVERRIDES, Part.OUTCOME]) == PARTS
    recorded = runs.read(run.id, Part.PARAMETERS)
    assert recorded is not None
    assert (recorded.run, recorded.sealed()) == (run, b"sealed")
    without = runs.read(run.id, Part.OVERRIDES)
    assert without is not None
    assert without.sealed() is None


def test_what_was_never_recorded_is_none(runs: RunPorts) -> None:
    assert runs.read_run(ABSENT) is None
    assert runs.read(ABSENT, Part.PARAMETERS) is None
    assert runs.read_with_key(ABSENT, Part.PARAMETERS, None) == (None, None)
    assert runs.edges(ABSENT, Page()) == ([], None)
    never = new_run()
    assert not runs.transition(never, never.moved(status=Status.CANCELLED, deadline=None))
    assert runs.read_run(never.id) is None, "a move makes no run"


def test_many_are_read_in_the_order_asked_for_without_those_that_are_gone(runs: RunPorts) -> None:
    one, two = stored(runs), stored(runs)
    gone = stored(runs, expires_at=now() - timedelta(seconds=1))
    assert [run.id for run in runs.read_many([two.id, ABSENT, gone.id, one.id])] == [two.id, one.id]
    assert runs.read_many([]) == []


def test_a_second_run_of_an_id_is_not_recorded_and_changes_nothing(runs: RunPorts) -> None:
    run = stored(runs)
    assert not runs.record(run.evolve(workspace="another"), {Part.PARAMETERS: b"others"})
    found = runs.read_run(run.id)
    assert found is not None
    assert found.workspace == run.workspace
    assert runs.read_parts(run, [Part.PARAMETERS]) == PARTS
    original = stored(runs)
    rerun = a_rerun_of(original)
    assert runs.record_rerun(rerun, PARTS)
    assert not runs.record_rerun(rerun, PARTS)
    assert runs.edges(original.id, Page()).run_ids == [rerun.id]


def test_reruns_are_counted_and_listed_oldest_first_a_page_at_a_time(runs: RunPorts) -> None:
    original, at = stored(runs), now()
    second, first, third = (a_rerun_of(original, created_at=at + timedelta(seconds=number)) for number in (2, 1, 3))
    for rerun in (second, first, third):
        assert runs.record_rerun(rerun, PARTS)
    found = runs.read_run(original.id)
    assert found is not None
    assert found.rerun_count == 3
    page = runs.edges(original.id, Page(2))
    assert page.run_ids == [first.id, second.id]
    assert runs.edges(original.id, Page(2, page.last_position)) == ([third.id], None)


def test_a_rerun_of_what_is_gone_is_refused(runs: RunPorts) -> None:
    rerun = a_rerun_of(new_run())
    with pytest.raises(RunNotFound):
        runs.record_rerun(rerun, PARTS)
    assert runs.read_run(rerun.id) is None


def test_a_run_that_moved_since_it_was_read_is_not_moved_again(runs: RunPorts) -> None:
    run = stored(runs)
    claimed = run.moved(status=Status.RUNNING, claim_token="a", deadline=now() + timedelta(minutes=5))
    assert runs.transition(run, claimed)
    assert runs.read_run(run.id) == claimed
    assert not runs.transition(run, run.moved(status=Status.CANCELLED, deadline=None))
    assert runs.read_run(run.id) == claimed


def test_an_outcome_is_stored_with_the_end_of_the_run_that_names_it(runs: RunPorts) -> None:
    run = stored(runs, status="running", claim_token="a", deadline=now() + timedelta(minutes=5))
    ended = run.moved(status=Status.COMPLETED, claim_token=None, deadline=None, outcome_id=new_token())
    assert runs.read_parts(run, [Part.OUTCOME]) == {}
    assert runs.transition(run, ended, b"outcome")
    found = runs.read_run(run.id)
    assert found == ended
    assert runs.read_parts(ended, [Part.OUTCOME]) == {Part.OUTCOME: b"outcome"}
    late = run.moved(status=Status.FAILURE, claim_token=None, deadline=None, outcome_id=new_token())
    assert not runs.transition(run, late, b"late")
    assert runs.read_parts(ended, [Part.OUTCOME]) == {Part.OUTCOME: b"outcome"}


def test_an_outcome_is_recorded_whatever_else_was_written_meanwhile(runs: RunPorts) -> None:
    run = stored(runs, status="running", claim_token="a", deadline=now() + timedelta(minutes=5))
    assert runs.transition(run, run.evolve(cancel_requested_at=now(), cancel_requested_by="bob"))
    assert runs.record_rerun(a_rerun_of(run), PARTS)
    ended = run.moved(status=Status.COMPLETED, claim_token=None, deadline=None, outcome_id=new_token())
    assert runs.transition(run, ended, b"outcome")
    found = runs.read_run(run.id)
    assert found is not None
    assert (found.status, found.cancel_requested_by, found.rerun_count) == (Status.COMPLETED, "bob", 1)


def test_runs_whose_deadline_has_passed_are_overdue_and_no_others(runs: RunPorts) -> None:
    past, ahead = now() - timedelta(minutes=1), now() + timedelta(hours=1)
    late, early = stored(runs, deadline=past), stored(runs, deadline=ahead)
    ended, postponed = stored(runs, deadline=past), stored(runs, deadline=past)
    assert runs.transition(ended, ended.moved(status=Status.CANCELLED, deadline=None))
    assert runs.transition(postponed, postponed.moved(deadline=ahead))
    found = {run.id: run for run in runs.overdue()}
    assert found[late.id] == late
    assert not found.keys() & {early.id, ended.id, postponed.id}


def test_a_run_may_be_found_before_its_deadline_until_it_is_rescheduled(
    runs: RunPorts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> list[FunctionRun]:
        return [each for each in runs.overdue() if each.id == run.id]

    at = now()
    run = stored(runs, status="pending", deadline=at + timedelta(minutes=1))
    claimed = run.moved(status=Status.RUNNING, claim_token="a", deadline=at + timedelta(minutes=15))
    assert runs.transition(run, claimed)
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=2))
    assert found() == [claimed]
    runs.reschedule(run)
    assert found() == [claimed], "it has moved since it was read so"
    runs.reschedule(claimed)
    assert found() == []
    monkeypatch.setattr(clock, "now", lambda: at + timedelta(minutes=16))
    assert found() == [claimed]


@pytest.mark.parametrize("reason", [None, "€" * 512])
def test_a_run_is_marked_once_and_not_by_who_comes_too_late(runs: RunPorts, reason: str | None) -> None:
    run = stored(runs, status="running", claim_token="a", deadline=now() + timedelta(minutes=5), rerun_reason=reason)
    late = run.evolve(cancel_requested_at=now() + timedelta(seconds=1), cancel_requested_by="carol" * 51)
    assert runs.transition(run, run.evolve(cancel_requested_at=now(), cancel_requested_by="bob"))
    assert not runs.transition(run, late)
    found = runs.read_run(run.id)
    assert found is not None
    assert (found.cancel_requested_by, found.rerun_reason) == ("bob", reason)
    assert runs.transition(found, found.moved(status=Status.PENDING, claim_token=None))
    assert not runs.transition(found, late.moved())
    assert runs.read_run(run.id) == runs.read_many([run.id])[0]


def test_an_expired_item_is_as_good_as_gone(runs: RunPorts) -> None:
    expired = stored(runs, expires_at=now() - timedelta(seconds=1))
    assert runs.read_run(expired.id) is None
    assert runs.read(expired.id, Part.PARAMETERS) is None
    with pytest.raises(RunNotFound):
        runs.record_rerun(a_rerun_of(expired), PARTS)


def test_a_rerun_that_expires_earlier_does_not_shorten_its_originals_life(runs: RunPorts) -> None:
    original = stored(runs)
    runs.record_rerun(a_rerun_of(original, expires_at=now() + timedelta(days=1)), PARTS)
    found = runs.read_run(original.id)
    assert found is not None
    assert (found.rerun_count, int(found.expires_at.timestamp())) == (1, int(original.expires_at.timestamp()))


@pytest.mark.parametrize("of", ["a living original", "an original whose lifetime must be extended"])
def test_a_lineage_at_its_limit_is_refused(runs: RunPorts, of: str) -> None:
    original = stored(runs, expires_at=now() + timedelta(days=1 if "extended" in of else 90))
    for _ in range(MAX_RERUNS):
        runs.record_rerun(a_rerun_of(original, expires_at=original.expires_at), PARTS)
    refused = a_rerun_of(original)
    with pytest.raises(RerunLimitReached):
        runs.record_rerun(refused, PARTS)
    assert runs.read_run(refused.id) is None
    assert len(runs.edges(original.id, Page(10)).run_ids) == MAX_RERUNS


def test_the_last_page_of_a_lineage_says_that_it_is_the_last(runs: RunPorts) -> None:
    original = stored(runs)
    for _ in range(2):
        runs.record_rerun(a_rerun_of(original), PARTS)
    page = runs.edges(original.id, Page(2))
    assert (len(page.run_ids), page.last_position) == (2, None)


def test_a_transition_leaves_alone_what_reruns_move(runs: RunPorts) -> None:
    original = stored(runs)
    runs.record_rerun(a_rerun_of(original), PARTS)
    assert runs.transition(original, original.moved(status=Status.RUNNING, claim_token="t"))
    found = runs.read_run(original.id)
    assert found is not None
    assert (found.status, found.rerun_count) == (Status.RUNNING, 1)


def test_a_claim_whose_answer_was_lost_is_a_claim(runs: RunPorts) -> None:
    """Asked again, the condition fails on our own write."""
    run = stored(runs, status="pending")
    claimed = run.moved(status=Status.RUNNING, claim_token=str(uuid4()))
    assert runs.transition(run, claimed)
    assert runs.transition(run, claimed)
    assert not runs.transition(run, run.moved(status=Status.RUNNING, claim_token=str(uuid4())))


def test_an_outcome_of_a_claim_that_was_lost_is_not_recorded(runs: RunPorts) -> None:
    run = stored(runs, status="running", claim_token="a", deadline=now() + timedelta(days=3))
    other = run.moved(claim_token="b")
    assert runs.transition(run, other)
    late = run.moved(status=Status.COMPLETED, claim_token=None, deadline=now())
    assert not runs.transition(run, late)
    found = runs.read_run(run.id)
    assert found is not None
    assert (found.revision, found.deadline) == (other.revision, other.deadline)


def test_a_claim_is_void_if_the_run_was_marked_whatever_its_deadline(runs: RunPorts) -> None:
    run = stored(runs, status="pending", deadline=now() + timedelta(days=3))
    assert runs.transition(run, run.evolve(cancel_requested_at=now(), cancel_requested_by="bob"))
    assert not runs.transition(run, run.moved(status=Status.RUNNING, claim_token="a", deadline=now()))


def a_key() -> IdempotencyKey:
    key = request_key(str(uuid4()), WORKSPACE, "alice", {})
    assert key is not None
    return key


def kept_under(key: IdempotencyKey, runs: RunPorts) -> KeptRequest | None:
    return runs.read_with_key(str(uuid4()), Part.PARAMETERS, key)[1]


@pytest.mark.parametrize("kind", ["original", "rerun"])
def test_a_key_is_kept_with_the_run_that_its_request_starts(runs: RunPorts, kind: str) -> None:
    key, original = SealedKey(a_key(), b"digest"), new_run()
    if kind == "original":
        assert runs.record(original, PARTS, key)
        started = original
    else:
        runs.record(original, PARTS)
        started = a_rerun(original, id=str(uuid4()), status="pending", created_at=original.created_at)
        assert runs.record_rerun(started, PARTS, key)
    assert kept_under(key.key, runs) == KeptRequest(key.key, started.id, b"digest")


@pytest.mark.parametrize("kind", ["original", "rerun"])
def test_a_second_run_under_the_key_is_not_recorded(runs: RunPorts, kind: str) -> None:
    key, original = SealedKey(a_key(), b"digest"), new_run()
    runs.record(original, PARTS, key)
    second = new_run() if kind == "original" else a_rerun(original, id=str(uuid4()), created_at=original.created_at)
    with pytest.raises(AlreadyStarted) as already:
        (runs.record if kind == "original" else runs.record_rerun)(second, PARTS, SealedKey(key.key, b"another"))
    assert already.value.kept == KeptRequest(key.key, original.id, b"digest")
    assert runs.read_run(second.id) is None
    assert runs.read_run(original.id) == original


def test_a_key_is_free_again_after_a_day(runs: RunPorts, monkeypatch: pytest.MonkeyPatch) -> None:
    key, at = SealedKey(a_key(), b"digest"), now()
    runs.record(new_run(), PARTS, key)
    monkeypatch.setattr(clock, "now", lambda: at + KEPT_FOR + timedelta(seconds=1))
    assert kept_under(key.key, runs) is None
    later = new_run()
    assert runs.record(later, PARTS, key)
    assert kept_under(key.key, runs) == KeptRequest(key.key, later.id, b"digest")


def test_a_rerun_that_is_refused_keeps_no_key(runs: RunPorts) -> None:
    key, original = SealedKey(a_key(), b"digest"), new_run(rerun_count=MAX_RERUNS)
    runs.record(original, PARTS)
    with pytest.raises(RerunLimitReached):
        runs.record_rerun(a_rerun(original, id=str(uuid4()), created_at=original.created_at), PARTS, key)
    assert kept_under(key.key, runs) is None


def test_a_run_that_was_started_before_keeps_no_key(runs: RunPorts) -> None:
    key, run = SealedKey(a_key(), b"digest"), new_run()
    runs.record(run, PARTS)
    assert not runs.record(run, PARTS, key)
    assert kept_under(key.key, runs) is None


def test_the_newest_reruns_come_first_and_no_more_than_asked_for(runs: RunPorts) -> None:
    original, at = stored(runs), now()
    reruns = [a_rerun_of(original, created_at=at + timedelta(seconds=number)) for number in range(3)]
    assert runs.newest_edges(original.id, 10) == []
    for rerun in reruns:
        assert runs.record_rerun(rerun, PARTS)
    assert runs.newest_edges(original.id, 2) == [reruns[2].id, reruns[1].id]
    assert len(runs.newest_edges(original.id, 10)) == 3


def failed(runs: RunPorts, run: FunctionRun, outcome: bytes | None = None) -> FunctionRun:
    after = run.moved(status=Status.FAILURE, claim_token=None, deadline=None, outcome_id=new_token())
    assert runs.transition(run, after, outcome)
    found = runs.read_run(run.id)
    assert found is not None
    return found


def test_the_first_rerun_that_completes_recovers_its_original(runs: RunPorts) -> None:
    original = stored(runs, status="running", claim_token="a")
    ended = failed(runs, original)
    assert ended.recovered is False
    first, second = a_rerun_of(original, status="completed"), a_rerun_of(original, status="completed")
    for rerun in (first, second, first):
        runs.mark_recovered(rerun)
    found = runs.read_run(original.id)
    assert found == ended.evolve(recovered_by=first.id)
    assert runs.transition(ended, published := ended.moved(event_pending=False)), "a mark is no move"
    assert runs.read_run(original.id) == published.evolve(recovered_by=first.id)


@pytest.mark.parametrize("size", [10, 2_000], ids=["in the transaction", "ahead of the run"])
def test_an_original_that_fails_after_its_rerun_has_completed_is_recovered(runs: RunPorts, size: int) -> None:
    original = stored(runs, status="running", claim_token="a")
    rerun = a_rerun_of(original, status="completed")
    runs.mark_recovered(rerun)
    ended = failed(runs, original, b"x" * size)
    assert (ended.recovered, ended.recovered_by) == (True, rerun.id)
    assert runs.read_parts(ended, [Part.OUTCOME]) == {Part.OUTCOME: b"x" * size}


def test_nothing_is_recovered_by_a_rerun_of_another_function_or_comes_back_by_one(runs: RunPorts) -> None:
    original = stored(runs, status="failure")
    runs.mark_recovered(a_rerun_of(original, status="completed", function_id=str(uuid4())))
    assert runs.read_run(original.id) == original
    gone = new_run()
    runs.mark_recovered(a_rerun_of(gone, status="completed"))
    assert runs.read_run(gone.id) is None


def test_a_rerun_that_expects_another_lineage_is_not_recorded(runs: RunPorts) -> None:
    original = stored(runs)
    assert runs.record_rerun(a_rerun_of(original), PARTS, expected_reruns=0)
    refused, key = a_rerun_of(original), SealedKey(a_key(), b"digest")
    with pytest.raises(LineageMoved):
        runs.record_rerun(refused, PARTS, key, expected_reruns=0)
    assert runs.read_run(refused.id) is None
    assert kept_under(key.key, runs) is None
    assert runs.record_rerun(refused, PARTS, key, expected_reruns=1)


def test_a_lineage_that_must_live_longer_is_expected_to_be_as_it_was_all_the_same(runs: RunPorts) -> None:
    original = stored(runs, expires_at=now() + timedelta(days=1))
    assert runs.record_rerun(a_rerun_of(original), PARTS, expected_reruns=0)
    with pytest.raises(RunNotFound):
        runs.record_rerun(a_rerun_of(new_run()), PARTS, expected_reruns=0)
