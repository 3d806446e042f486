"""Receive a webhook: find its trigger, verify its signature, start its run.

The caller is nobody in particular: what makes a webhook trustworthy is its signature, after Standard Webhooks, and what
makes it one is its id. https://github.com/standard-webhooks/standard-webhooks
"""

import base64
import re
from contextlib import suppress
from typing import NamedTuple, Protocol

from handlers.domain import clock
from handlers.domain.errors import BadSignature, InvalidRequest, NotFound, TriggerDisabled
from handlers.domain.identity import WORKSPACE
from handlers.domain.ids import FOREIGN_ID, derived_id
from handlers.domain.json_document import MAX_DEPTH, JsonObject, parse
from handlers.domain.registry import webhook_secrets
from handlers.domain.registry.entities import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.trigger_kinds import HttpTrigger
from handlers.domain.registry.trigger_metadata import TriggerMetadata
from handlers.domain.runs.run import ExecutionSource, FunctionRun
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import HEADER, IdempotencyKey, request_key
from handlers.domain.starting.start import StartDeps, StartRequest, start_run
from handlers.domain.starting.webhook_signatures import ID, SIGNATURE, TIMESTAMP, flaw_of

MAX_HEADER = 8_000
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# A function that gets these could impersonate the sender.
_CREDENTIALS = frozenset({"authorization", "proxy-authorization", "cookie"})
# Verified here, they are of no use to the function. Without that, it may verify them itself.
_PROOF = frozenset({ID, TIMESTAMP, SIGNATURE})


class WebhookRequest(NamedTuple):
    """A webhook as it came in. Names of headers are in lower case; a slash at the end of the path says nothing."""

    workspace: str
    path: str
    method: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


class WebhookReader(Protocol):
    def read_webhook(self, workspace: str, path: str) -> tuple[StoredTrigger, ComputeFunction | None] | None: ...


def receive(webhook_request: WebhookRequest, registry: WebhookReader, deps: StartDeps) -> FunctionRun:
    """The run that it has started, now or when it was received before. Raises a Refused, or Unavailable."""
    webhook_request = webhook_request._replace(path=webhook_request.path.removesuffix("/"))
    _check(webhook_request)
    found = registry.read_webhook(webhook_request.workspace, webhook_request.path)
    if found is None or not found[0].trigger.confirmed:
        raise NotFound("Webhook")
    stored, function = found
    _verify(stored, webhook_request, deps.cipher)
    if not stored.trigger.enabled:
        raise TriggerDisabled
    start_request = StartRequest(
        ExecutionSource.WEBHOOK,
        _parameters(webhook_request, stored.trigger),
        "body",
        _run_id(stored.trigger, webhook_request),
        key=_request_key(stored.trigger, webhook_request),
    )
    return start_run(stored, function, start_request, deps)


def _check(webhook_request: WebhookRequest) -> None:
    """Raises InvalidRequest naming what no webhook has, or NotFound."""
    if not WORKSPACE.fullmatch(webhook_request.workspace):
        raise NotFound("Webhook")
    HttpTrigger.read({"path": webhook_request.path})
    for name, value in webhook_request.headers.items():
        if len(value) > MAX_HEADER or _CONTROL.search(value):
            problem = f"must be {MAX_HEADER} characters at most, and none of them a control character."
            raise InvalidRequest(f"headers.{name[:100]}", problem)
    for name, shape in ((ID, FOREIGN_ID), (TIMESTAMP, _TIMESTAMP)):
        if name in webhook_request.headers and not shape.fullmatch(webhook_request.headers[name]):
            raise InvalidRequest(f"headers.{name}", "does not have the form that Standard Webhooks defines.")


def _verify(stored: StoredTrigger, webhook_request: WebhookRequest, cipher: Cipher) -> None:
    """Raises BadSignature, TriggerUnreadable or Unavailable."""
    if not stored.trigger.metadata.needs_secret:
        return
    flaw = flaw_of(webhook_request.headers, webhook_request.body, webhook_secrets.open_all(stored, cipher), clock.now())
    if flaw is not None:
        raise BadSignature(stored.trigger.id, flaw)


def _run_id(trigger: FunctionTrigger, webhook_request: WebhookRequest) -> str | None:
    webhook_id = webhook_request.headers.get(ID)
    return None if webhook_id is None else derived_id("webhook", trigger.id, webhook_id)


def _request_key(trigger: FunctionTrigger, webhook_request: WebhookRequest) -> IdempotencyKey | None:
    """Of a webhook without an id of its own, which only unsigned ones can be."""
    if ID in webhook_request.headers:
        return None
    # No two bodies read alike so: bytes that are no UTF-8 become halves of characters, which no UTF-8 holds.
    text = webhook_request.body.decode(errors="surrogateescape")
    request = ["webhook", webhook_request.method, webhook_request.path, webhook_request.query, text]
    return request_key(
        webhook_request.headers.get(HEADER.lower()), webhook_request.workspace, f"trigger:{trigger.id}", request
    )


def _parameters(webhook_request: WebhookRequest, trigger: FunctionTrigger) -> JsonObject:
    left_out = _CREDENTIALS | _PROOF if trigger.metadata.needs_secret else _CREDENTIALS
    return {
        "method": webhook_request.method,
        "path": webhook_request.path,
        "headers": {name: value for name, value in webhook_request.headers.items() if name not in left_out},
        "query": webhook_request.query,
        **_content(webhook_request.body, trigger.metadata),
    }


def _content(body: bytes, metadata: TriggerMetadata) -> JsonObject:
    """The value of a JSON body; the body itself of any other, and of JSON that would not survive being read.

    A webhook of `rawBody` always has the body itself: signatures of other providers are over its bytes.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"rawBodyBase64": base64.b64encode(body).decode()}
    if not (isinstance(metadata, HttpTrigger) and metadata.raw_body):
        with suppress(InvalidRequest):
            # One level less than may be kept: it is kept as a member of the parameters.
            return {"payload": parse(text, max_depth=MAX_DEPTH - 1)}
    return {"rawBody": text}
