"""Webhooks as a sender sends them: signed after Standard Webhooks, by its reference library or over any bytes."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any

from standardwebhooks import Webhook
from standardwebhooks.webhooks import hmac_data

from handlers.domain import clock
from handlers.domain.errors import ServiceError
from handlers.domain.runs.run import Content, FunctionRun
from handlers.domain.starting.webhooks import WebhookRequest, receive
from tests.builders import WORKSPACE
from tests.domain.triggering import METADATA, create
from tests.fakes import World

PATH = METADATA["http-trigger"]["path"]
BODY = b'{"order":1.0}'


def signed(
    secret: str, body: bytes = BODY, *, webhook_id: str = "msg_1", ago: timedelta = timedelta()
) -> dict[str, str]:
    at = clock.now() - ago
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": _signature(secret, body, webhook_id, at),
    }


def _signature(secret: str, body: bytes, webhook_id: str, at: datetime) -> str:
    try:
        return Webhook(secret).sign(webhook_id, at, body.decode())
    except UnicodeDecodeError:  # the library signs text only; the specification, bytes
        content = f"{webhook_id}.{int(at.timestamp())}.".encode() + body
        return "v1," + base64.b64encode(hmac_data(base64.b64decode(secret.removeprefix("whsec_")), content)).decode()


def webhook(headers: dict[str, str] | None = None, body: bytes = BODY, **more: Any) -> WebhookRequest:
    plain: dict[str, Any] = {"workspace": WORKSPACE, "path": PATH, "method": "POST", "query": {}}
    return WebhookRequest(**plain | more, headers=headers or {}, body=body)


def received(world: World, webhook: WebhookRequest) -> FunctionRun:
    return receive(webhook, world.registry, world.start_deps)


def refusal(world: World, webhook: WebhookRequest) -> ServiceError:
    """Why a webhook is not taken; it has changed nothing."""
    writes, pushed = world.runs.writes, len(world.queue.pushed)
    try:
        received(world, webhook)
    except ServiceError as refused:
        assert (world.runs.writes, len(world.queue.pushed)) == (writes, pushed)
        return refused
    raise AssertionError("it was received")


def has_webhook(world: World, **metadata: Any) -> str:
    """The secret of a new webhook."""
    return create(world, "http-trigger", METADATA["http-trigger"] | metadata).secret or ""


def parameters(world: World, run: FunctionRun) -> Any:
    return json.loads(world.opened(run, Content.PARAMETERS) or b"")
