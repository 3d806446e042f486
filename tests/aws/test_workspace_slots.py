"""What of slots is particular to the table."""

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
from handlers.domain.runs.workspace_limit import Slot, WorkspaceFull, WorkspaceLimit
from infra.local.local_stack import LocalStack
from tests.builders import a_run
from tests.faults.answers import error, throttled
from tests.faults.client import injected

MOST = 3


def test_many_at_once_never_hold_more_slots_than_there_may_be(
    slots_in_the_table: WorkspaceSlots, a_slot: Callable[..., Slot]
) -> None:
    limit, workspace = WorkspaceLimit(slots_in_the_table, MOST), a_slot().workspace
    counts: list[int] = []

    def work(_: int) -> int:
        deadline = clock.now() + timedelta(seconds=60)
        claimed = a_run(workspace=workspace, status="running", claim_token=str(uuid4()), deadline=deadline)
        try:
            slot = limit.take(claimed, limit.free(workspace))
        except WorkspaceFull:
            return 0
        counts.append(len(slots_in_the_table.held(workspace)))
        limit.release(slot)
        return 1

    with ThreadPoolExecutor(8) as executors:
        done = sum(executors.map(work, range(40)))
    assert done == len(counts) >= MOST
    assert max(counts) <= MOST
    assert slots_in_the_table.held(workspace) == set()


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
    slots_in_the_table: WorkspaceSlots, dynamodb: Any, a_slot: Callable[..., Slot], operation: str
) -> None:
    slot = a_slot()
    with injected(dynamodb.meta.events, f"dynamodb.{operation}", *[throttled()] * 10), pytest.raises(Unavailable):
        slots_in_the_table.take(slot) if operation == "UpdateItem" else slots_in_the_table.held(slot.workspace)


def test_a_slot_is_forgotten_a_day_after_it_was_held_and_stands_in_no_index(
    slots_in_the_table: WorkspaceSlots, dynamodb: Any, local_stack: LocalStack, a_slot: Callable[..., Slot]
) -> None:
    slot = a_slot(number=7)
    slots_in_the_table.take(slot)
    key = {"pk": {"S": f"SLOTS#{slot.workspace}"}, "sk": {"S": "SLOT#0007"}}
    item = dynamodb.get_item(TableName=local_stack.outputs["TableName"], Key=key)["Item"]
    assert int(item["expiresAt"]["N"]) == int(slot.until.timestamp()) + 24 * 3600
    assert item.keys() == {"pk", "sk", "claimToken", "leasedUntil", "expiresAt", "schema"}
