from datetime import timedelta

import pytest

from handlers.aws.run_items import PARTS_OUTLIVE_SECONDS
from handlers.domain.runs.run import FunctionRun, Part
from tests.builders import NOW, a_run
from tests.infra.audit.storing import ORIGINAL, RETENTION, Storage

STAGED_AS = "staging/7d7c"
KEPT = f"kept/{ORIGINAL}/overrides"


def a_large_result(*, is_moved: bool = True) -> tuple[Storage, FunctionRun]:
    run = a_run(id=ORIGINAL)
    storage = Storage().run(run).large_part(run, Part.OVERRIDES, staged_as=STAGED_AS, is_moved=is_moved)
    return storage, run


def test_a_large_part_that_lies_in_the_bucket_is_no_finding() -> None:
    storage, _ = a_large_result()
    assert storage.found() == []


def test_a_large_part_may_lie_where_it_was_staged_only_while_its_run_says_so() -> None:
    storage, _ = a_large_result(is_moved=False)
    assert storage.found() == [("part-object", ORIGINAL, "overrides")]
    storage.run(a_run(id=ORIGINAL, staged=True, deadline=NOW + timedelta(minutes=1)))
    assert storage.found() == []


def test_a_part_whose_object_is_gone_is_found() -> None:
    storage, _ = a_large_result()
    storage.objects.clear()
    assert storage.found() == [("part-object", ORIGINAL, "overrides")]


def test_of_an_expired_run_the_object_may_be_gone() -> None:
    storage, _ = a_large_result()
    storage.objects.clear()
    assert storage.found(now=NOW + RETENTION) == []


def test_of_a_part_that_has_expired_before_its_run_the_object_may_be_gone() -> None:
    storage, _ = a_large_result()
    storage.item(ORIGINAL)["expiresAt"] += 10 * 86400  # re-run meanwhile
    storage.objects.clear()
    assert storage.found(now=NOW + RETENTION) == [("part-object", ORIGINAL, "overrides")]
    assert storage.found(now=NOW + RETENTION + timedelta(days=1)) == []


def test_a_kept_object_that_no_item_names_is_found() -> None:
    storage, _ = a_large_result()
    storage.objects["kept/of-nobody/overrides"] = NOW
    assert storage.found() == [("kept-object", "kept/of-nobody/overrides")]


@pytest.mark.parametrize("is_moved", [True, False])
def test_a_part_whose_object_housekeeping_does_not_know_is_found_once(*, is_moved: bool) -> None:
    storage, _ = a_large_result(is_moved=is_moved)
    storage.item(ORIGINAL)["staged"] = not is_moved
    storage.remove(storage.item(ORIGINAL, "OBJECT#overrides"))
    found = [each for each in storage.found() if each[0] != "deadline"]
    assert found == [("kept-object", KEPT)]


@pytest.mark.parametrize(("seconds", "is_found"), [(0, False), (1, True)])
def test_what_is_staged_for_more_than_a_day_is_found(seconds: int, *, is_found: bool) -> None:
    storage = Storage()
    # And two hours, because housekeeping comes every hour.
    storage.objects[STAGED_AS] = NOW - timedelta(days=1, hours=2, seconds=seconds)
    assert storage.found() == [("staged-object", STAGED_AS)] * is_found


@pytest.mark.parametrize(("seconds", "is_found"), [(0, False), (1, True)])
def test_housekeeping_that_is_behind_is_found(seconds: int, *, is_found: bool) -> None:
    storage, run = a_large_result()
    due = run.expires_at + timedelta(seconds=PARTS_OUTLIVE_SECONDS)
    now = due + timedelta(hours=2, seconds=seconds)
    assert storage.found(now=now) == [("object-due", ORIGINAL, "overrides")] * is_found


def test_an_object_where_housekeeping_does_not_look_is_found() -> None:
    storage, _ = a_large_result()
    storage.item(ORIGINAL, "OBJECT#overrides")["due"] = "OPEN#1"
    assert storage.found() == [("object-due", ORIGINAL, "overrides")]


@pytest.mark.parametrize("at", ["", "soon", "2026-11-22T09:30:00"])
def test_an_object_that_is_due_at_no_moment_cannot_be_read(at: str) -> None:
    storage, _ = a_large_result()
    storage.item(ORIGINAL, "OBJECT#overrides")["dueAt"] = at
    assert storage.found() == [("readable", ORIGINAL, "OBJECT#overrides"), ("kept-object", KEPT)]


def test_without_a_bucket_nothing_is_asked_of_it() -> None:
    storage, _ = a_large_result()
    assert storage.world(has_bucket=False).stored is None
