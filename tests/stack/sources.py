"""What starts runs besides people, as a team sets it up: webhooks, schedules, events, and functions that fail."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from tests.stack.driver import Caller, Workspace, created, table_of, until

Json = Any
NEVER = {"scheduleType": "once", "at": "2099-01-01T00:00:00Z"}


def create(workspace: Workspace, function_id: str, kind: str, metadata: Json, **more: Any) -> dict[str, Any]:
    """The trigger's document, as its creation was answered."""
    return created(post_trigger(workspace, function_id, kind, metadata, **more))


def post_trigger(workspace: Workspace, function_id: str, kind: str, metadata: Json, **more: Any) -> httpx.Response:
    body = {
        "name": f"trigger-{uuid4().hex[:8]}",
        "functionId": function_id,
        "executionType": kind,
        "triggerMetadata": metadata,
    }
    return workspace.http.post("/function-triggers", json=body | more)


def put(workspace: Workspace, trigger: dict[str, Any], **changes: Any) -> httpx.Response:
    return workspace.http.put(f"/function-triggers/{trigger['id']}", json={"version": trigger["version"], **changes})


def signed(secret: str, body: str, *, webhook_id: str, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body),
    }


def post_webhook(
    workspace: Workspace,
    path: str,
    body: str | bytes,
    *,
    secret: str | None,
    webhook_id: str | None = None,
    **headers: str,
) -> httpx.Response:
    """Only a text can be signed so."""
    webhook_id = webhook_id or f"msg_{uuid4().hex}"
    proof = signed(secret, body, webhook_id=webhook_id) if secret and isinstance(body, str) else {}
    nobody: Caller = workspace.with_token(None)
    content = body.encode() if isinstance(body, str) else body
    return nobody.post(f"/http-trigger/{path}", content=content, headers=proof | headers)


def put_event(
    workspace: Workspace, detail: Json, *, source: str = "shop", kind: str = "Order Placed", bus: str | None = None
) -> None:
    """On the stack's trigger bus, for this workspace, unless the detail or the bus says otherwise."""
    entry = {
        "EventBusName": bus or workspace.local_stack.outputs["TriggerBusName"],
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps({"workspace": workspace.name} | detail),
    }
    answer = workspace.local_stack.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0


def soon(seconds: float = 2) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).replace(microsecond=0).isoformat()


def runs_of(workspace: Workspace, **filters: str) -> list[dict[str, Any]]:
    """All runs of a workspace, newest first."""
    return list(_pages(workspace, "/function-runs", filters))


def _pages(workspace: Workspace, path: str, query: dict[str, str]) -> Iterator[dict[str, Any]]:
    cursor: str | None = None
    while True:
        request = query | {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        answer = workspace.http.get(path, params=request)
        assert answer.status_code == 200, answer.text
        yield from answer.json()["data"]
        cursor = answer.json()["meta"]["nextCursor"]
        if cursor is None:
            return


def the_run(workspace: Workspace, trigger_id: str) -> str:
    """The id of the one run that a trigger has started, once it has."""
    found: list[dict[str, Any]] = until(lambda: runs_of(workspace, triggerId=trigger_id))
    (run,) = found
    return str(run["id"])


def lambda_of(workspace: Workspace, entry_point: str, event: Json) -> Json:
    """What an entry point's Lambda gives for an event that is sent straight to it."""
    client = workspace.local_stack.client("lambda")
    answer = client.invoke(FunctionName=f"FunctionRerun-{entry_point.replace('_', '-')}", Payload=json.dumps(event))
    text = answer["Payload"].read()
    assert "FunctionError" not in answer, text
    return json.loads(text)


def leave_half_done(workspace: Workspace, trigger_id: str, **also: Any) -> None:
    """As a change that died half way leaves a trigger, once its time is over."""
    client, table = table_of(workspace)
    long_ago = (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    values = {
        "lockedUntil": {"S": long_ago},
        "due": {"S": "UNFINISHED"},
        "dueAt": {"S": long_ago},
    } | also
    client.update_item(
        TableName=table,
        Key=_key(trigger_id),
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
    )


def is_half_done(workspace: Workspace, trigger_id: str) -> bool:
    client, table = table_of(workspace)
    item = client.get_item(TableName=table, Key=_key(trigger_id), ConsistentRead=True)["Item"]
    return "lockedUntil" in item


def _key(trigger_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"TRIGGER#{trigger_id}"}, "sk": {"S": f"TRIGGER#{trigger_id}"}}
