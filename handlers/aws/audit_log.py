"""Who did what, as it stands in the one table."""

from collections.abc import Callable
from typing import Any

from handlers.aws import act_items as items
from handlers.aws import keys
from handlers.aws.run_items import SHARDS
from handlers.aws.table import Item, Table, readable_of, to_item
from handlers.domain import clock
from handlers.domain.audit.act import Act, SealedAct
from handlers.domain.audit.listing import Filters, Read
from handlers.domain.clock import iso


class AuditLog:
    shards = SHARDS

    def __init__(self, table: Table, *, report: Callable[[Exception], None]) -> None:
        """`report` receives the errors of acts that cannot be read: they are left out of lists."""
        self._table = table
        self._report = report

    def write(self, act: Act) -> None:
        self._table.put_new(items.of_act(SealedAct(act)))

    def read(self, workspace: str, shard: int, filters: Filters, *, before: str, size: int) -> Read:
        first = "0" if filters.since is None else iso(filters.since)
        # "~" comes after all that an id holds: acts of the last millisecond asked for are among them.
        last = before if filters.until is None else min(before, f"{iso(filters.until)}~")
        if first > last:
            return Read([], None)  # DynamoDB refuses a BETWEEN that ends before it begins
        partition = keys.act(workspace, shard, last)["pk"]
        condition, names, values = _condition(filters)
        found, looked_at = self._table.query(
            # One more: BETWEEN includes the act that the page before ended with.
            size=size + 1,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            FilterExpression=condition,
            **({"ExpressionAttributeNames": names} if names else {}),
            ExpressionAttributeValues=to_item({":pk": partition, ":first": first, ":last": last, **values}),
            ConsistentRead=True,
            ScanIndexForward=False,
        )
        acts = readable_of((item for item in found if _position(item) != before), items.to_act, self._report)
        return Read(list(acts), None if looked_at is None else looked_at["sk"])


def _position(item: Item) -> str:
    return str(item["sk"]["S"])


def _condition(filters: Filters) -> tuple[str, dict[str, str], dict[str, Any]]:
    """What DynamoDB leaves out by itself: an expression with its names and values."""
    it_has_not_expired = "expiresAt > :now"
    conditions, names = [it_has_not_expired], {}
    values: dict[str, Any] = {":now": int(clock.now().timestamp())}
    wanted = {
        "by": filters.by,
        "action": filters.action,
        "triggerId": filters.trigger_id,
        "experimentId": filters.experiment_id,
        "errorGroupId": filters.error_group_id,
        "batchId": filters.batch_id,
    }
    for name, value in wanted.items():
        if value is not None:
            conditions.append(f"#{name} = :{name}")
            names[f"#{name}"] = name
            values[f":{name}"] = str(value)
    if filters.run_id is not None:
        conditions.append("(runId = :run OR jobId = :run OR withRunId = :run)")
        values[":run"] = filters.run_id
    return " AND ".join(conditions), names, values
