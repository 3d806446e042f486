"""Receive a webhook: find its trigger, verify its signature, start its run.

The caller is nobody in particular: what makes a webhook trustworthy is its signature, after Standard Webhooks, and what
makes it one is its id. https://github.com/standard-webhooks/standard-webhooks
"""

import re
from typing import NamedTuple, Protocol

from standardwebhooks import Webhook as SignedWith
from standardwebhooks import WebhookVerificationError

from handlers.domain.errors import BadSignature, InvalidRequest, NotFound, TriggerDisabled
from handlers.domain.identity import WORKSPACE
from handlers.domain.ids import FOREIGN_ID, derived_id
from handlers.domain.json_document import MAX_DEPTH, JsonObject, parse
from handlers.domain.registry import webhook_secrets
from handlers.domain.registry.registered import ComputeFunction, FunctionTrigger, StoredTrigger
from handlers.domain.registry.trigger_kinds import check_path
from handlers.domain.runs.run import ExecutionSource, FunctionRun
from handlers.domain.seal import Cipher
from handlers.domain.starting.idempotency import HEADER, IdempotencyKey, request_key
from handlers.domain.starting.start import Cause, Starter, start_run

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
MAX_HEADER = 8_000
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# What proves who the sender is belongs to this service; a function that got it could pass itself off as the sender.
_NOT_HANDED_ON = frozenset({"authorization", "proxy-authorization", "cookie", ID, TIMESTAMP, SIGNATURE})


class Received(NamedTuple):
    """A webhook as it came in. Names of headers are in lower case."""

    workspace: str
    path: str
    method: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


class Registry(Protocol):
    def read_webhook(self, workspace: str, path: str) -> tuple[StoredTrigger, ComputeFunction | None] | None: ...


def receive(received: Received, registry: Registry, using: Starter) -> FunctionRun:
    """The run that it has started, now or when it was received before. Raises a Refused, or Unavailable."""
    text = _checked(received)
    found = registry.read_webhook(received.workspace, received.path)
    if found is None or not found[0].trigger.confirmed:
        raise NotFound("Webhook")
    stored, function = found
    _verify(stored, received, text, using.cipher)
    if not stored.trigger.enabled:
        raise TriggerDisabled
    cause = Cause(
        ExecutionSource.WEBHOOK,
        _parameters(received, text),
        "body",
        _run_id(stored.trigger, received),
        key=_request_key(stored.trigger, received, text),
    )
    return start_run(stored, function, cause, using)


def _checked(received: Received) -> str:
    """The body's text. Raises InvalidRequest naming what no webhook has, or NotFound."""
    if not WORKSPACE.fullmatch(received.workspace):
        raise NotFound("Webhook")
    check_path(received.path, field="path")
    for name, value in received.headers.items():
        if len(value) > MAX_HEADER or _CONTROL.search(value):
            problem = f"must be {MAX_HEADER} characters at most, and none of them a control character."
            raise InvalidRequest(f"headers.{name[:100]}", problem)
    for name, shape in ((ID, FOREIGN_ID), (TIMESTAMP, _TIMESTAMP)):
        if name in received.headers and not shape.fullmatch(received.headers[name]):
            raise InvalidRequest(f"headers.{name}", "does not have the form that Standard Webhooks defines.")
    try:
        return received.body.decode()
    except UnicodeDecodeError:
        raise InvalidRequest("body", "must be UTF-8 text.") from None


def _verify(stored: StoredTrigger, received: Received, text: str, cipher: Cipher) -> None:
    """Raises BadSignature, TriggerUnreadable or Unavailable."""
    if not webhook_secrets.are_needed(stored.trigger):
        return
    for secret in webhook_secrets.open_all(stored, cipher):
        try:
            SignedWith(secret).verify(text, received.headers, json_parse=False)
        # ValueError for signatures that are not even base64, or not "v1,…".
        except (WebhookVerificationError, ValueError):
            continue
        return
    raise BadSignature


def _run_id(trigger: FunctionTrigger, received: Received) -> str | None:
    webhook_id = received.headers.get(ID)
    return None if webhook_id is None else derived_id("webhook", trigger.id, webhook_id)


def _request_key(trigger: FunctionTrigger, received: Received, text: str) -> IdempotencyKey | None:
    """Of a webhook without an id of its own, which only unsigned ones can be."""
    if ID in received.headers:
        return None
    asked = ["webhook", received.method, received.path, received.query, text]
    return request_key(received.headers.get(HEADER.lower()), received.workspace, f"trigger:{trigger.id}", asked)


def _parameters(received: Received, text: str) -> JsonObject:
    return {
        "method": received.method,
        "path": received.path,
        "headers": {name: value for name, value in received.headers.items() if name not in _NOT_HANDED_ON},
        "query": received.query,
        **_content(text),
    }


def _content(text: str) -> JsonObject:
    """The value of a JSON body; the text itself of any other, and of JSON that would not survive being read."""
    try:
        # One level less than may be kept: it is kept as a member of the parameters.
        return {"payload": parse(text, max_depth=MAX_DEPTH - 1)}
    except InvalidRequest:
        return {"rawBody": text}
