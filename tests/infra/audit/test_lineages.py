from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.aws import run_attributes
from handlers.aws import run_items as items
from tests.builders import NOW, a_rerun, a_run, an_id
from tests.infra.audit.storing import ORIGINAL, RERUN, RETENTION, Storage, a_lineage


def test_a_lineage_as_it_should_be_is_no_finding() -> None:
    storage, _ = a_lineage()
    assert storage.found() == []


def test_an_edge_without_its_rerun_is_found() -> None:
    storage, _ = a_lineage()
    storage.remove(storage.item(RERUN))
    assert storage.found() == [("edge-run", ORIGINAL, RERUN)]


def test_an_edge_to_a_run_of_another_lineage_is_found() -> None:
    storage, rerun = a_lineage()
    other = a_run(id=an_id(3))
    storage.run(other)
    storage.put(items.of_edge(rerun.evolve(original_run_id=other.id)))
    storage.item(other.id)["reruns"] = 1
    assert storage.found() == [("edge-run", other.id, RERUN)]


def test_a_rerun_without_its_edge_is_found() -> None:
    storage, rerun = a_lineage()
    storage.remove(storage.edge(rerun))
    # The count says so too: no re-run can have expired yet.
    assert sorted(storage.found()) == [("rerun-count", ORIGINAL), ("rerun-edge", RERUN, ORIGINAL)]


def test_a_rerun_without_its_original_is_found() -> None:
    storage, _ = a_lineage()
    storage.remove(storage.item(ORIGINAL))
    assert storage.found() == [("rerun-original", RERUN, ORIGINAL)]


@pytest.mark.parametrize("seconds", [1, 10**7], ids=["sooner", "already"])
def test_an_original_that_does_not_outlive_its_rerun_is_found(seconds: int) -> None:
    storage, _ = a_lineage()
    storage.item(ORIGINAL)["expiresAt"] -= seconds
    assert ("rerun-original", RERUN, ORIGINAL) in storage.found()


def test_a_rerun_that_points_to_a_rerun_is_found() -> None:
    storage, rerun = a_lineage()
    nested = a_rerun(rerun, id=an_id(3), created_at=NOW).evolve(original_run_id=RERUN)
    storage.rerun(nested)
    assert storage.found() == [("rerun-original", nested.id, RERUN)]


def test_a_count_below_the_history_is_always_found() -> None:
    storage, _ = a_lineage()
    storage.item(ORIGINAL)["reruns"] = 0
    assert storage.found() == [("rerun-count", ORIGINAL)]
    assert storage.found(retention=timedelta(hours=1)) == [("rerun-count", ORIGINAL)]


def test_a_count_above_the_history_is_found_while_no_rerun_can_have_expired() -> None:
    storage, _ = a_lineage()
    storage.item(ORIGINAL)["reruns"] = 2
    assert storage.found(retention=timedelta(days=1, milliseconds=1)) == [("rerun-count", ORIGINAL)]
    assert storage.found(retention=timedelta(days=1)) == []


def test_reruns_that_have_expired_are_as_good_as_gone() -> None:
    storage, rerun = a_lineage()
    for item in (storage.item(RERUN), storage.edge(rerun)):
        item["expiresAt"] = int(NOW.timestamp())
    storage.item(ORIGINAL)["position"] = "2026-01-01T00:00:00.000Z"
    assert [rule for rule, *_ in storage.found(retention=timedelta(days=1))] == []


def test_an_edge_that_names_another_run_than_its_key_cannot_be_read() -> None:
    storage, rerun = a_lineage()
    storage.edge(rerun)["runId"] = an_id(5)
    assert ("readable", ORIGINAL, f"RERUN#{items.position(rerun)}") in storage.found()


@pytest.mark.parametrize("unread", [ORIGINAL, RERUN])
def test_a_run_that_cannot_be_read_is_one_finding_and_not_missing_too(unread: str) -> None:
    storage, _ = a_lineage()
    storage.item(unread)["status"] = "asleep"
    assert storage.found() == [("readable", unread, "RUN")]


def a_recovered_lineage() -> Storage:
    """A failed original, and three re-runs: one that has failed, one that has completed, and one of an experiment."""
    original = a_run(id=ORIGINAL, status="failure", recovered_by=an_id(3))
    storage = Storage().run(original)
    for number, changes in {2: {"status": "failure"}, 3: {}, 4: {"execution_source": "experiment"}}.items():
        storage.rerun(a_rerun(original, id=an_id(number), **changes))
    return storage


def test_a_recovered_original_is_no_finding() -> None:
    assert a_recovered_lineage().found() == []


def test_an_original_whose_rerun_has_completed_is_found_if_it_is_not_marked() -> None:
    storage = a_recovered_lineage()
    del storage.item(ORIGINAL)["recBy"]
    storage.item(ORIGINAL)["unrecoveredAt"] = storage.item(ORIGINAL)["failedAt"]
    assert storage.found() == [("recovered", ORIGINAL, an_id(3))]
    storage.run(a_rerun(a_run(id=ORIGINAL), id=an_id(3), event_pending=True, deadline=NOW + timedelta(minutes=1)))
    assert storage.found() == [], "the mark is to be set before the end is published"


@pytest.mark.parametrize("number", [2, 4])
def test_an_original_that_is_marked_by_a_rerun_that_does_not_recover_it_is_found(number: int) -> None:
    storage = a_recovered_lineage()
    storage.item(ORIGINAL)["recBy"] = run_attributes.id_to_bytes(an_id(number))
    assert storage.found() == [("recovered", ORIGINAL, an_id(number))]


def test_an_original_that_is_recovered_and_in_the_list_of_those_that_are_not_is_found() -> None:
    storage = a_recovered_lineage()
    storage.item(ORIGINAL)["unrecoveredAt"] = storage.item(ORIGINAL)["failedAt"]
    assert storage.found() == [("indexes", ORIGINAL)]


HISTORIES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 80), st.sampled_from(["pending", "running", "completed", "failure"])),
    max_size=8,
)
"""Of each re-run: of which original, how many days after it, and its status. Originals are made on the first day."""


def lived(history: list[tuple[int, int, str]], *, days: int) -> tuple[Storage, dict[str, Any]]:
    """What is stored after so many days, without what has expired until then, and how to look at it."""
    storage, now = Storage(), NOW + timedelta(days=days)
    for number in range(3):
        storage.run(a_run(id=an_id(number), expires_at=NOW + RETENTION))
    for number, (of, after, status) in enumerate(sorted(history, key=lambda each: each[1]), start=10):
        at = NOW + timedelta(days=after, seconds=number)
        rerun = a_rerun(a_run(id=an_id(of)), id=an_id(number), created_at=at, expires_at=at + RETENTION, status=status)
        deadline = now if rerun.status.is_open else None
        storage.rerun(rerun.evolve(deadline=deadline))
    for item in [each for each in storage.items.values() if each["expiresAt"] <= now.timestamp()]:
        storage.remove(item)
    return storage, {"now": now, "retention": RETENTION}


@settings(max_examples=50)
@given(HISTORIES, st.integers(80, 175))
def test_whatever_was_rerun_and_has_expired_the_world_is_clean(history: list[tuple[int, int, str]], days: int) -> None:
    storage, terms = lived(history, days=days)
    assert storage.found(**terms) == []


@settings(max_examples=50)
@given(HISTORIES.filter(bool), st.integers(80, 89), st.data())
def test_whatever_is_lost_of_a_living_lineage_is_found(
    history: list[tuple[int, int, str]], days: int, data: st.DataObject
) -> None:
    storage, terms = lived(history, days=days)
    edges = [item for item in storage.items.values() if item["sk"].startswith("RERUN#")]
    of_the_lineages = [storage.item(each) for edge in edges for each in (edge["runId"], edge["pk"][4:])]
    storage.remove(data.draw(st.sampled_from([*edges, *of_the_lineages])))
    assert storage.found(**terms)
