"""Slots: leases on the places of a workspace."""

from collections.abc import Callable

import pytest

from handlers.domain.runs.workspace_limit import Slot, Slots
from tests.contracts.conftest import FAKE
from tests.fakes.slots import InMemorySlots


@pytest.fixture
def slots(request: pytest.FixtureRequest, implementation: str) -> Slots:
    found: Slots = InMemorySlots() if implementation == FAKE else request.getfixturevalue("slots_in_the_table")
    return found


def test_what_is_taken_is_held_and_nobody_else_takes_it(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    slot = a_slot()
    assert slots.held(slot.workspace) == set()
    assert slots.take(slot)
    assert slots.held(slot.workspace) == {0}
    assert not slots.take(a_slot(holder="another"))


def test_a_slot_is_taken_again_by_its_holder(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    slot = a_slot()
    assert (slots.take(slot), slots.take(slot)) == (True, True)


def test_slots_are_of_their_workspace_and_number(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    slot = a_slot()
    slots.take(slot)
    assert slots.take(slot._replace(workspace="another", holder="b"))
    assert slots.take(a_slot(number=999, holder="c"))
    assert slots.held(slot.workspace) == {0, 999}
    slots.release(slot._replace(workspace="another", holder="b"))


def test_a_released_slot_is_free_for_anybody(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    slot = a_slot()
    slots.take(slot)
    slots.release(slot)
    assert slots.held(slot.workspace) == set()
    assert slots.take(a_slot(holder="another"))


def test_a_lease_ends_by_itself(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    slot = a_slot(seconds=-0.001)
    slots.take(slot)
    assert slots.held(slot.workspace) == set()
    assert slots.take(a_slot(holder="another"))


def test_a_late_release_takes_it_from_nobody(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    late = a_slot(seconds=-0.001)
    slots.take(late)
    slots.take(a_slot(holder="another"))
    slots.release(late)
    assert slots.held(late.workspace) == {0}


def test_a_release_of_what_was_never_taken_does_nothing(slots: Slots, a_slot: Callable[..., Slot]) -> None:
    slots.release(a_slot())
    assert slots.take(a_slot(holder="another"))
