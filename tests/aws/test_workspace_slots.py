"""What slots must do, in memory as in the table; and what is particular to the table."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from handlers.aws.table import Table
from handlers.aws.workspace_slots import WorkspaceSlots
from handlers.domain import clock
from handlers.domain.errors import Misconfigured, Unavailable
from handlers.domain.runs.workspace_limit import Slot, Slots, WorkspaceFull, WorkspaceLimit
from infra.local.local_stack import LocalStack
from tests.builders import a_run
from tests.fakes.slots import InMemorySlots
from tests.faults.answers import error, throttled
from tests.faults.client import injected

MOST = 3


@pytest.fixture
def in_the_table(table: Table) -> WorkspaceSlots:
    return WorkspaceSlots(table, lambda _: None)


@pytest.fixture(params=["in memory", "in the table"])
def slots(request: pytest.FixtureRequest, in_the_table: WorkspaceSlots) -> Slots:
    return InMemorySlots() if request.param == "in memory" else in_the_table


@pytest.fixture
def a_slot() -> Callable[..., Slot]:
    """Slots of one workspace."""
    workspace = f"ws-{uuid4().hex[:8]}"
    return lambda number=0, holder="one", seconds=60.0: Slot(
        workspace, number, holder, clock.now() + timedelta(seconds=seconds)
    )


class TestSlots:
    def test_what_is_taken_is_held_and_nobody_else_takes_it(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        slot = a_slot()
        assert slots.held(slot.workspace) == set()
        assert slots.take(slot)
        assert slots.held(slot.workspace) == {0}
        assert not slots.take(a_slot(holder="another"))

    def test_who_asks_again_for_what_he_holds_has_it(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        slot = a_slot()
        assert (slots.take(slot), slots.take(slot)) == (True, True)

    def test_slots_are_of_their_workspace_and_number(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        slot = a_slot()
        slots.take(slot)
        assert slots.take(slot._replace(workspace="another", holder="b"))
        assert slots.take(a_slot(number=999, holder="c"))
        assert slots.held(slot.workspace) == {0, 999}
        slots.release(slot._replace(workspace="another", holder="b"))

    def test_what_is_given_back_is_anybody_s(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        slot = a_slot()
        slots.take(slot)
        slots.release(slot)
        assert slots.held(slot.workspace) == set()
        assert slots.take(a_slot(holder="another"))

    def test_a_lease_ends_by_itself(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        slot = a_slot(seconds=-0.001)
        slots.take(slot)
        assert slots.held(slot.workspace) == set()
        assert slots.take(a_slot(holder="another"))

    def test_who_gives_back_late_takes_it_from_nobody(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        late = a_slot(seconds=-0.001)
        slots.take(late)
        slots.take(a_slot(holder="another"))
        slots.release(late)
        assert slots.held(late.workspace) == {0}

    def test_to_give_back_what_was_never_taken_does_nothing(self, slots: Slots, a_slot: Callable[..., Slot]) -> None:
        slots.release(a_slot())
        assert slots.take(a_slot(holder="another"))


def test_many_at_once_never_hold_more_slots_than_there_may_be(
    in_the_table: WorkspaceSlots, a_slot: Callable[..., Slot]
) -> None:
    limit, workspace = WorkspaceLimit(in_the_table, MOST), a_slot().workspace
    counts: list[int] = []

    def work(_: int) -> int:
        deadline = clock.now() + timedelta(seconds=60)
        claimed = a_run(workspace=workspace, status="running", claim_token=str(uuid4()), deadline=deadline)
        try:
            slot = limit.take(claimed, limit.free(workspace))
        except WorkspaceFull:
            return 0
        counts.append(len(in_the_table.held(workspace)))
        limit.release(slot)
        return 1

    with ThreadPoolExecutor(8) as executors:
        done = sum(executors.map(work, range(40)))
    assert done == len(counts) >= MOST
    assert max(counts) <= MOST
    assert in_the_table.held(workspace) == set()


def test_a_slot_that_cannot_be_given_back_is_reported_and_no_failure(
    table: Table, dynamodb: Any, a_slot: Callable[..., Slot]
) -> None:
    reported: list[Exception] = []
    slots = WorkspaceSlots(table, reported.append)
    slot = a_slot()
    slots.take(slot)
    with injected(dynamodb.meta.events, "dynamodb.UpdateItem", error(400, "ValidationException")):
        slots.release(slot)
    assert [type(each) for each in reported] == [Misconfigured]
    assert slots.held(slot.workspace) == {0}


@pytest.mark.parametrize("operation", ["Query", "UpdateItem"])
def test_a_table_that_does_not_answer_gives_no_slot(
    in_the_table: WorkspaceSlots, dynamodb: Any, a_slot: Callable[..., Slot], operation: str
) -> None:
    slot = a_slot()
    with injected(dynamodb.meta.events, f"dynamodb.{operation}", *[throttled()] * 10), pytest.raises(Unavailable):
        in_the_table.take(slot) if operation == "UpdateItem" else in_the_table.held(slot.workspace)


def test_a_slot_is_forgotten_a_day_after_it_was_held_and_stands_in_no_index(
    in_the_table: WorkspaceSlots, dynamodb: Any, local_stack: LocalStack, a_slot: Callable[..., Slot]
) -> None:
    slot = a_slot(number=7)
    in_the_table.take(slot)
    key = {"pk": {"S": f"SLOTS#{slot.workspace}"}, "sk": {"S": "SLOT#0007"}}
    item = dynamodb.get_item(TableName=local_stack.outputs["TableName"], Key=key)["Item"]
    assert int(item["expiresAt"]["N"]) == int(slot.until.timestamp()) + 24 * 3600
    assert item.keys() == {"pk", "sk", "claimToken", "leasedUntil", "expiresAt", "schema"}
