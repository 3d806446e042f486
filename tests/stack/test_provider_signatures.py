"""A function verifies its provider's own signature, over the bytes that the provider has sent.

GitHub: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
Stripe: https://docs.stripe.com/webhooks#verify-manually
Shopify: https://shopify.dev/docs/apps/build/webhooks/subscribe/https
"""

import base64
import gzip
import hashlib
import hmac
from collections.abc import Callable

import pytest

from infra.local.local_stack import LocalStack
from tests.stack.driver import TeamFunction, Workspace, accepted
from tests.stack.sources import create, post_webhook

SECRET = b"it's a Secret to Everybody"

# As a team would write it: what the provider documents, over what the parameters hold.
VERIFYING = f"""
import base64, hashlib, hmac

SECRET = {SECRET!r}


def handler(event, context):
    headers = event["headers"]
    if "rawBodyBase64" in event:
        body = base64.b64decode(event["rawBodyBase64"])
    else:
        body = event["rawBody"].encode()
    assert "payload" not in event
    digest = lambda content: hmac.new(SECRET, content, hashlib.sha256)
    if "x-hub-signature-256" in headers:
        right = hmac.compare_digest(headers["x-hub-signature-256"], "sha256=" + digest(body).hexdigest())
    elif "stripe-signature" in headers:
        sent = dict(each.split("=", 1) for each in headers["stripe-signature"].split(","))
        right = hmac.compare_digest(sent["v1"], digest(sent["t"].encode() + b"." + body).hexdigest())
    else:
        right = hmac.compare_digest(
            headers["x-shopify-hmac-sha256"], base64.b64encode(digest(body).digest()).decode()
        )
    return {{"right": right, "bytes": len(body)}}
"""


def _mac(content: bytes) -> "hmac.HMAC":
    return hmac.new(SECRET, content, hashlib.sha256)


def by_github(body: bytes) -> dict[str, str]:
    return {"X-Hub-Signature-256": "sha256=" + _mac(body).hexdigest(), "X-GitHub-Event": "push"}


def by_stripe(body: bytes) -> dict[str, str]:
    return {"Stripe-Signature": f"t=1492774577,v1={_mac(b'1492774577.' + body).hexdigest()}"}


def by_shopify(body: bytes) -> dict[str, str]:
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(_mac(body).digest()).decode()}


JSON, FORM = "application/json; charset=utf-8", "application/x-www-form-urlencoded"
BODIES: dict[str, tuple[str, bytes]] = {
    "spaces": (JSON, b'{ "amount" : 1.0,\r\n\t"n": 12345678901234567.89 }\r\n'),
    "escapes": (JSON, b'{"a":"\\u00e9\\/\\ud83d", "b": "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80"}'),
    "equal names": (JSON, b'{"a":1,"a":2}'),
    "a mark of byte order": (JSON, b"\xef\xbb\xbf{}\n"),
    "nothing": (JSON, b""),
    "a form": (FORM, b"payload=%7B%22a%22%3A1%7D&b=+"),
    "windows-1252": (FORM, "Größe=3€".encode("cp1252")),
    "gzip": ("application/gzip", gzip.compress(b'{"a": 1}', mtime=0)),
    "parts": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n\x89PNG\x00\xff\r\n--x--\r\n',
    ),
    "every byte": ("application/octet-stream", bytes(range(256)) * 50),
}


@pytest.fixture(scope="module")
def verifying(local_stack: LocalStack) -> TeamFunction:
    return TeamFunction(local_stack).deploy(VERIFYING)


@pytest.fixture
def hook(workspace: Workspace, verifying: TeamFunction) -> Workspace:
    metadata = {"path": "provider", "signature": "none", "rawBody": True}
    created = create(workspace, workspace.register(verifying), "http-trigger", metadata)
    assert created["triggerMetadata"] == {"params": {}} | metadata
    assert workspace.trigger_document(created["id"])["triggerMetadata"] == {"params": {}} | metadata
    return workspace


@pytest.mark.parametrize("sign", [by_github, by_stripe, by_shopify])
def test_a_function_finds_its_provider_s_signature_right_whatever_the_body(
    hook: Workspace, sign: Callable[[bytes], dict[str, str]]
) -> None:
    for content_type, body in BODIES.values():
        headers = sign(body) | {"Content-Type": content_type}
        run = accepted(post_webhook(hook, "provider", body, secret=None, **headers))
        ended = hook.ended(run, include="result")
        assert ended["result"] == {"right": True, "bytes": len(body)}, (content_type, body)


def test_a_rerun_hands_on_the_same_bytes(hook: Workspace) -> None:
    content_type, body = BODIES["every byte"]
    run = accepted(
        post_webhook(hook, "provider", body, secret=None, **by_github(body), **{"Content-Type": content_type})
    )
    hook.ended(run)
    assert hook.ended(hook.rerun(run), include="result")["result"] == {"right": True, "bytes": len(body)}


def test_one_byte_more_is_found_wrong(hook: Workspace) -> None:
    headers = by_github(b"{}") | {"Content-Type": JSON}
    run = accepted(post_webhook(hook, "provider", b"{} ", secret=None, **headers))
    assert hook.ended(run, include="result")["result"] == {"right": False, "bytes": 3}
