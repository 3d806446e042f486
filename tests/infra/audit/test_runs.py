from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.domain.runs.run import Part
from infra.audit.checks import GRACE
from tests.builders import NOW, a_run
from tests.infra.audit.storing import ORIGINAL, RETENTION, Storage, a_storage

JUST_LATE = NOW - GRACE - timedelta(milliseconds=1)
OVERDUE = {"deadline": JUST_LATE}


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "pending"},
        {"status": "running"},
        {"status": "completed"},
        {"status": "failure"},
        {"status": "failure", "execution_attempts": 0},
        {"status": "timeout"},
        {"status": "cancelled", "execution_attempts": 0},
        {"status": "completed", "event_pending": True, "deadline": NOW},
        {"status": "completed", "execution_source": "captured", "execution_attempts": 0},
        {"status": "pending", "deadline": NOW - GRACE},
        {"status": "running", "execution_attempts": 3},
        {"status": "pending", "not_before": NOW + timedelta(days=2), "deadline": NOW + timedelta(days=2)},
        {"status": "failure", "retriable": True, "event_pending": True, "deadline": NOW},
    ],
)
def test_a_run_as_it_should_be_is_no_finding(changes: dict[str, Any]) -> None:
    assert a_storage(**changes).found() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "pending", **OVERDUE},
        {"status": "running", **OVERDUE},
        {"status": "pending", "deadline": None},
        {"status": "failure", "event_pending": True, **OVERDUE},
        {"status": "completed", "event_pending": True},
        {"status": "completed", **OVERDUE},
        {"status": "failure", "retriable": True, "event_pending": True, **OVERDUE},
        {"status": "pending", "not_before": NOW - timedelta(days=1), "deadline": NOW - timedelta(days=1)},
    ],
)
def test_a_run_that_the_watchdog_has_forgotten_is_found(changes: dict[str, Any]) -> None:
    assert a_storage(**changes).found() == [("deadline", ORIGINAL)]


def test_the_grace_is_the_auditors_to_choose() -> None:
    assert a_storage(status="pending", **OVERDUE).found(grace=timedelta(hours=1)) == []


@pytest.mark.parametrize(
    ("deadline", "is_found"), [(None, True), (JUST_LATE, True), (NOW, False)], ids=["never", "late", "in time"]
)
def test_parts_are_moved_to_where_they_stay_before_the_deadline(deadline: Any, *, is_found: bool) -> None:
    storage = a_storage(deadline=deadline, staged=True)
    assert storage.found() == [("deadline", ORIGINAL)] * is_found


@pytest.mark.parametrize("status", ["pending", "failure", "completed"])
@pytest.mark.parametrize(
    "stands",
    [
        {"due": "OPEN#1", "dueAt": "2026-11-22T09:31:00.001Z"},
        {"due": "OBJECTS#1", "dueAt": "2026-11-22T09:31:00.000Z"},
        {"due": "OPEN#9", "dueAt": "2026-11-22T09:31:00.000Z"},
        {"due": "OPEN#1"},
        {"dueAt": "2026-11-22T09:31:00.000Z"},
    ],
    ids=["later than its deadline", "among objects", "a shard that nobody reads", "no moment", "no partition"],
)
def test_a_run_at_the_wrong_place_of_the_due_index_is_found(status: str, stands: dict[str, str]) -> None:
    storage = a_storage(status=status)
    item = storage.item(ORIGINAL)
    item.pop("due", None)
    item.pop("dueAt", None)
    item |= stands
    assert storage.found() == [("indexes", ORIGINAL)]


def test_a_run_may_be_due_before_its_deadline() -> None:
    storage = a_storage(status="running")
    storage.item(ORIGINAL)["dueAt"] = "2026-11-22T09:30:00.000Z"
    assert storage.found() == []


@pytest.mark.parametrize("status", ["failure", "timeout", "completed", "pending"])
def test_a_run_at_the_wrong_place_of_the_index_of_failures_is_found(status: str) -> None:
    storage = a_storage(status=status)
    has_failed = storage.item(ORIGINAL).pop("failedAt", None) is not None
    assert storage.found() == [("indexes", ORIGINAL)] * has_failed
    storage.item(ORIGINAL)["failedAt"] = "2026-11-22T09:29:00.000Z"
    assert storage.found() == [("indexes", ORIGINAL)]


def test_an_outcome_that_a_run_names_and_that_is_not_there_is_found_while_it_should_be() -> None:
    run = a_run(id=ORIGINAL, outcome_id="one")
    storage = Storage().run(run.evolve(outcome_id="another"), Part.OUTCOME).run(run)
    assert storage.found() == [("outcome", ORIGINAL)]
    storage.run(run, Part.OUTCOME)
    assert storage.found() == []
    storage.remove(storage.item(ORIGINAL, "SEALED#outcome#one"))
    storage.item(ORIGINAL)["expiresAt"] += 10 * 86400  # re-run meanwhile
    assert storage.found(now=NOW + RETENTION) == []


def test_an_open_run_that_is_not_in_the_due_index_is_found() -> None:
    storage = a_storage(status="running")
    del storage.item(ORIGINAL)["due"], storage.item(ORIGINAL)["dueAt"]
    assert storage.found() == [("indexes", ORIGINAL)]


@pytest.mark.parametrize("shard", range(4))
def test_any_shard_that_is_read_will_do_because_their_number_may_grow(shard: int) -> None:
    storage = a_storage(status="running")
    storage.item(ORIGINAL)["due"] = f"OPEN#{shard}"
    assert storage.found() == []


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "running", "execution_attempts": 0},
        {"status": "completed", "execution_attempts": 0},
        {"status": "failure", "execution_attempts": 4},
        {"status": "pending", "execution_attempts": -1},
    ],
)
def test_attempts_that_cannot_be_are_found(changes: dict[str, Any]) -> None:
    assert a_storage(**changes).found() == [("attempts", ORIGINAL)]


def test_a_run_that_was_executed_more_often_than_it_says_is_found() -> None:
    storage = a_storage(status="failure", execution_attempts=2)
    assert storage.found(executions={ORIGINAL: 2}) == []
    assert storage.found(executions={ORIGINAL: 3}) == [("executions", ORIGINAL)]


def test_an_execution_of_no_known_run_is_found() -> None:
    assert a_storage().found(executions={"nobody": 1}) == [("executions", "nobody")]


def test_a_run_that_cannot_be_read_is_not_said_to_be_unknown() -> None:
    storage = a_storage()
    storage.item(ORIGINAL)["status"] = "asleep"
    assert storage.found(executions={ORIGINAL: 1}) == [("readable", ORIGINAL, "RUN")]


def test_of_an_expired_run_nothing_is_asked() -> None:
    storage = a_storage(status="running", expires_at=NOW, **OVERDUE, execution_attempts=9)
    assert storage.found() == []


@pytest.mark.parametrize(
    "broken",
    [
        {"status": "asleep"},
        {"position": "yesterday"},
        {"position": None},
        {"expiresAt": None},
        {"expiresAt": "never"},
        {"expiresAt": 10**17},
        {"byFunction": "FN#acme"},
        {"after": "soon"},
        {"after": [5]},
    ],
    ids=str,
)
def test_a_run_that_cannot_be_read_is_a_finding_that_quotes_nothing(broken: dict[str, Any]) -> None:
    storage = a_storage()
    storage.item(ORIGINAL).update(broken)
    (finding,) = storage.findings()
    assert (finding.rule.value, finding.ids) == ("readable", (ORIGINAL, "RUN"))
    assert not any(str(value) in finding.sentence for value in broken.values())


def test_a_moment_at_the_end_of_time_ends_no_audit() -> None:
    storage = a_storage(status="pending", deadline=datetime(9999, 12, 31, tzinfo=UTC))
    storage.item(ORIGINAL)["position"] = "9999-12-31T23:59:59.999Z"
    assert storage.found() == []


def test_a_part_of_an_unknown_kind_cannot_be_read() -> None:
    storage = a_storage()
    storage.put({"pk": f"RUN#{ORIGINAL}", "sk": "SEALED#smell", "expiresAt": 1})
    assert storage.found() == [("readable", ORIGINAL, "SEALED#smell")]
    storage.item(ORIGINAL)["reruns"] = 1
    assert ("rerun-count", ORIGINAL) in storage.found()


def test_items_of_others_are_passed_by() -> None:
    storage = Storage().run(a_run(id=ORIGINAL), *Part)
    for prefix in ("IDEMPOTENCY", "FUNCTION", "TRIGGER", "NAME", "PATH", "CAPTURE"):
        storage.put({"pk": f"{prefix}#x", "sk": f"{prefix}#x"})
    storage.put({"pk": f"RUN#{ORIGINAL}", "sk": "OF-A-NEWER-RELEASE#x"})
    assert storage.found() == []


def test_the_outcome_of_an_erased_run_is_not_missed() -> None:
    assert Storage().run(a_run(id=ORIGINAL, outcome_id="one", erased_at=NOW)).found() == []


def test_what_is_left_of_an_erased_run_is_found_once_nothing_can_come_any_more() -> None:
    run = a_run(id=ORIGINAL, erased_at=NOW)
    storage = Storage().run(run, Part.OVERRIDES).large_part(run, Part.PARAMETERS, staged_as="staging/a")
    assert storage.found(now=NOW + timedelta(minutes=16)) == []
    later = NOW + timedelta(minutes=19)
    parts = [("erased", ORIGINAL, "overrides"), ("erased", ORIGINAL, "parameters")]
    assert storage.found(now=later) == [*parts, ("erased", ORIGINAL, "parameters")], "the part, and its object"
    for part in ("overrides", "parameters"):
        storage.remove(storage.item(ORIGINAL, f"SEALED#{part}"))
    assert storage.found(now=later) == [("erased", ORIGINAL, "parameters")]
    storage.objects.clear()
    assert storage.found(now=later) == []
