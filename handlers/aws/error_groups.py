"""Error groups, in the one table: a group is one item, and its failures are counted from indexes of the runs."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from handlers.aws import act_items, keys
from handlers.aws import run_items as items
from handlers.aws.table import (
    SCHEMA,
    ConditionFailed,
    Item,
    Table,
    TransactionCanceled,
    from_item,
    readable,
    readable_of,
    to_item,
)
from handlers.aws.workspace_lists import newest_first
from handlers.domain.audit.act import Act
from handlers.domain.clock import iso
from handlers.domain.error_groups.group import MAX_COUNTED, Counts, ErrorGroup
from handlers.domain.paging import Page

_ENTRIES_PER_SHARD = MAX_COUNTED // items.SHARDS
_HOUR = len("2026-11-22T09")
_LIST, _LIST_OF_FUNCTION = "GROUPS#", "GROUPSOF#"


class GroupStore:
    def __init__(self, table: Table, *, report: Callable[[Exception], None]) -> None:
        """`report` receives the errors of groups that cannot be read: they count as not there."""
        self._table = table
        self._report = report

    def read(self, workspace: str, group_id: str) -> ErrorGroup | None:
        item = self._table.get(keys.error_group(workspace, group_id))
        return None if item is None else readable(item, _to_group, self._report)

    def create(self, group: ErrorGroup) -> bool:
        return self._table.put_unless_alive(_of_group(group))

    def replace(self, before: ErrorGroup, after: ErrorGroup, act: Act | None = None) -> bool:
        was, will_be = _of_group(before), _of_group(after)
        changed = [name for name in will_be if was.get(name) != will_be[name]]
        removed = [name for name in was if name not in will_be]
        expressions = ["SET " + ", ".join(f"#{name} = :{name}" for name in changed)] * bool(changed)
        expressions += ["REMOVE " + ", ".join(f"#{name}" for name in removed)] * bool(removed)
        its_state_is_as_it_was = "#version = :seen"
        nobody_else_publishes_it = "#publishing = :was" if before.publishing else "attribute_not_exists(#publishing)"
        values: dict[str, Any] = {f":{name}": will_be[name] for name in changed} | {":seen": before.version}
        options = {
            "UpdateExpression": " ".join(expressions),
            "ConditionExpression": f"{its_state_is_as_it_was} AND {nobody_else_publishes_it}",
            "ExpressionAttributeNames": {f"#{name}": name for name in {*changed, *removed, "version", "publishing"}},
            "ExpressionAttributeValues": to_item(values | ({":was": before.publishing} if before.publishing else {})),
        }
        key = keys.error_group(after.workspace, after.id)
        try:
            if act is None:
                self._table.update(key, **options)
            else:
                actions = {"group": self._table.update_action(key, **options)}
                self._table.transact(actions | act_items.put_actions(self._table, act))
        except (ConditionFailed, TransactionCanceled):
            return False
        return True

    def list(self, workspace: str, function_id: str | None, page: Page) -> tuple[list[ErrorGroup], str | None]:
        index, key = ("byWorkspace", f"{_LIST}{workspace}")
        if function_id is not None:
            index, key = ("byFunction", f"{_LIST_OF_FUNCTION}{workspace}#{function_id}")
        found, position = newest_first(self._table, key, page, index=index)
        return list(readable_of(found, _to_group, self._report)), position


class GroupCounts:
    def __init__(self, table: Table) -> None:
        self._table = table

    def count(self, workspace: str, group_id: str, since: datetime, until: datetime) -> Counts:
        if since > until:
            return Counts()  # DynamoDB refuses a BETWEEN that ends before it begins
        bounds = {":first": iso(since), ":last": iso(until)}
        key = items.error_group(workspace, group_id)
        failures, failures_capped = self._entries("groupFailures", "failedAt", key, bounds)
        unrecovered, unrecovered_capped = self._entries("errorGroup", "unrecoveredAt", key, bounds)
        hours = Counter(moment[:_HOUR] for moment, _ in failures)
        newest = max(unrecovered or failures, default=None)
        return Counts(
            failures=len(failures),
            unrecovered=len(unrecovered),
            failures_capped=failures_capped,
            unrecovered_capped=unrecovered_capped,
            hours=tuple((datetime.fromisoformat(f"{hour}:00:00Z"), hours[hour]) for hour in sorted(hours)),
            last_seen_at=datetime.fromisoformat(max(failures)[0]) if failures else None,
            sample_run_id=newest[1] if newest else None,
        )

    def _entries(self, index: str, sort: str, key: str, bounds: dict[str, str]) -> tuple[list[tuple[str, str]], bool]:
        """Moments and runs, of each shard the newest; and whether there are more."""
        found: list[tuple[str, str]] = []
        is_capped = False
        for shard in range(items.SHARDS):
            walk = self._table.walk(
                page_size=_ENTRIES_PER_SHARD + 1,
                IndexName=index,
                KeyConditionExpression="errorGroup = :key AND #sort BETWEEN :first AND :last",
                ExpressionAttributeNames={"#sort": sort},
                ExpressionAttributeValues=to_item({":key": f"{key}#{shard}", **bounds}),
                ScanIndexForward=False,
            )
            entries = list(islice(walk, _ENTRIES_PER_SHARD + 1))
            is_capped = is_capped or len(entries) > _ENTRIES_PER_SHARD
            found += [(entry[sort]["S"], items.run_id(entry)) for entry in entries[:_ENTRIES_PER_SHARD]]
        return found, is_capped


def _of_group(group: ErrorGroup) -> dict[str, Any]:
    document = group.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"expires_at"})
    lists = {
        "byWorkspace": f"{_LIST}{group.workspace}",
        "byFunction": f"{_LIST_OF_FUNCTION}{group.workspace}#{group.function_id}",
        "position": group.position,
    }
    expiry = {"expiresAt": int(group.expires_at.timestamp()), "schema": SCHEMA}
    return keys.error_group(group.workspace, group.id) | document | lists | expiry


def _to_group(item: Item) -> ErrorGroup:
    plain = from_item(item)
    expires_at = datetime.fromtimestamp(int(plain["expiresAt"]), UTC)
    return ErrorGroup.model_validate(plain | {"expiresAt": expires_at})
