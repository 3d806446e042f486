"""Which registered functions capture the failures of a Lambda: one entry for each workspace and Lambda.

An entry has a member for each function of the workspace that captures them, under the function's id, and the number of
its members. A change of a function writes only that function's member, in one transaction with the function itself: so
no member is lost when several functions change at the same time.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from handlers.aws import keys
from handlers.aws.table import SCHEMA, Item, Table, TransactionCanceled, from_item, readable_of, to_item
from handlers.domain.clock import iso
from handlers.domain.errors import InvalidRequest, Unavailable
from handlers.domain.function_arns import base_arn
from handlers.domain.registry.entities import CaptureFailures, ComputeFunction, Registered
from handlers.domain.starting.captures import Registration

# So many fit into one item, and into the reads of one capture.
MAX_REGISTRATIONS = 100
_COUNT = "registrations"
ACTION = "captures"
_OWN = {"pk", "sk", "schema", _COUNT}


def no_room() -> InvalidRequest:
    """What to answer where the condition of `actions` has failed."""
    problem = f"is asked for by {MAX_REGISTRATIONS} functions of this workspace for this Lambda: end it for one."
    return InvalidRequest("captureFailures", problem)


def key_of(function: ComputeFunction) -> keys.Key:
    return keys.capture(base_arn(function.function_arn), function.workspace)


def actions(table: Table, before: Registered | None, after: Registered | None) -> dict[str, Any]:
    """What is to be written together with a change of a registration. Its condition fails if the entry is full."""
    will, had = _capturing(after), _capturing(before)
    if will is not None:
        return {ACTION: _put(table, *will, is_new=had is None)}
    return {} if had is None else {ACTION: _remove(table, had[0])}


def _put(table: Table, function: ComputeFunction, capture: CaptureFailures, *, is_new: bool) -> dict[str, Any]:
    there_is_room = "attribute_not_exists(#count) OR #count < :limit"
    member = {
        "triggerId": capture.trigger_id,
        "functionArn": function.function_arn,
        "createdAt": iso(function.created_at),
    }
    names, values = {"#function": function.id, "#schema": "schema"}, {":member": member, ":schema": SCHEMA}
    update: dict[str, Any] = {"UpdateExpression": "SET #function = :member, #schema = :schema"}
    if is_new:
        names, values = names | {"#count": _COUNT}, values | {":one": 1, ":limit": MAX_REGISTRATIONS}
        update["UpdateExpression"] += " ADD #count :one"
        update["ConditionExpression"] = there_is_room
    return table.update_action(
        key_of(function), **update, ExpressionAttributeNames=names, ExpressionAttributeValues=to_item(values)
    )


def _remove(table: Table, function: ComputeFunction) -> dict[str, Any]:
    return table.update_action(
        key_of(function),
        UpdateExpression="REMOVE #function ADD #count :less",
        ExpressionAttributeNames={"#function": function.id, "#count": _COUNT},
        ExpressionAttributeValues=to_item({":less": -1}),
    )


def delete_if_empty(table: Table, before: Registered | None, after: Registered | None) -> None:
    """After a change: deletes the entry if it has no member left. If that fails, an empty entry does no harm."""
    had = _capturing(before)
    if had is None or _capturing(after) is not None:
        return
    nobody_is_left = "#count <= :none"
    names, values = {"#count": _COUNT}, to_item({":none": 0})
    delete = table.delete_action(
        key_of(had[0]),
        ConditionExpression=nobody_is_left,
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )
    with suppress(TransactionCanceled, Unavailable):
        table.transact({ACTION: delete})


def read(table: Table, base_function_arn: str, report: Callable[[Exception], None]) -> list[Registration]:
    pk = keys.capture(base_function_arn, "")["pk"]
    walk = table.walk(
        page_size=100,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :workspace)",
        ExpressionAttributeValues=to_item({":pk": pk, ":workspace": keys.WORKSPACE}),
        ConsistentRead=True,
    )
    members = ({"sk": item["sk"], name: item[name]} for item in walk for name in item.keys() - _OWN)
    return list(readable_of(members, _registration, report))


def _registration(entry: Item) -> Registration:
    """Of an entry with one member, whose name is the function's id."""
    workspace = entry["sk"]["S"].removeprefix(keys.WORKSPACE)
    ((function_id, member),) = from_item({name: entry[name] for name in entry.keys() - _OWN}).items()
    return Registration.model_validate({**member, "functionId": function_id, "workspace": workspace})


def _capturing(registered: Registered | None) -> tuple[ComputeFunction, CaptureFailures] | None:
    if isinstance(registered, ComputeFunction) and registered.capture_failures is not None:
        return registered, registered.capture_failures
    return None
