"""The slots of workspaces, in the one table: `SLOTS#{workspace}` / `SLOT#{number}`, with a lease each.

An execution costs a Query (one read unit for about thirty slots that were ever held at once) and two writes of one unit
each. Slots stand in no index, and are forgotten a day after they were last held.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from handlers.aws import keys
from handlers.aws.table import SCHEMA, ConditionFailed, Table, from_item, to_item
from handlers.domain import clock
from handlers.domain.errors import Unavailable
from handlers.domain.runs.workspace_limit import Slot

_KEPT_SECONDS = 24 * 3600
_PAGE = 1000


class WorkspaceSlots:
    def __init__(self, table: Table, report: Callable[[Exception], None]) -> None:
        """`report` gets the error when a slot could not be given back before its lease ends."""
        self._table = table
        self._report = report

    def held(self, workspace: str) -> set[int]:
        now = _milliseconds(clock.now())
        found = self._table.walk(
            page_size=_PAGE,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=to_item({":pk": keys.slot(workspace, 0)["pk"]}),
            ProjectionExpression="sk, leasedUntil",
            ConsistentRead=True,
        )
        slots = (from_item(item) for item in found)
        return {int(slot["sk"].removeprefix(keys.SLOT)) for slot in slots if slot["leasedUntil"] > now}

    def take(self, slot: Slot) -> bool:
        nobody_has_held_it = "attribute_not_exists(pk)"
        its_lease_has_ended = "leasedUntil <= :now"
        it_is_ours_already = "claimToken = :holder"  # the answer was lost, and the SDK has asked again
        values = {
            ":holder": slot.holder,
            ":until": _milliseconds(slot.until),
            ":now": _milliseconds(clock.now()),
            ":expires_at": int(slot.until.timestamp()) + _KEPT_SECONDS,
            ":schema": SCHEMA,
        }
        try:
            self._table.update(
                keys.slot(slot.workspace, slot.number),
                UpdateExpression=(
                    "SET claimToken = :holder, leasedUntil = :until, expiresAt = :expires_at, #schema = :schema"
                ),
                ConditionExpression=f"{nobody_has_held_it} OR {its_lease_has_ended} OR {it_is_ours_already}",
                ExpressionAttributeNames={"#schema": "schema"},
                ExpressionAttributeValues=to_item(values),
            )
        except ConditionFailed:
            return False
        return True

    def release(self, slot: Slot) -> None:
        try:
            with suppress(ConditionFailed):  # another's by now
                self._table.update(
                    keys.slot(slot.workspace, slot.number),
                    UpdateExpression="SET leasedUntil = :ended",
                    ConditionExpression="claimToken = :holder",
                    ExpressionAttributeValues=to_item({":ended": 0, ":holder": slot.holder}),
                )
        except Unavailable as fault:
            self._report(fault)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
