"""What of a webhook's body is handed on: its value, its text, or its bytes."""

import base64
import gzip
import json
from typing import Any

import pytest

from handlers.domain.errors import InvalidRequest, TooLarge
from handlers.domain.json_document import MAX_BYTES
from tests.as_shown import as_shown
from tests.domain.starting.receiving import PATH, has_webhook, parameters, received, refusal, signed, webhook
from tests.domain.triggering import METADATA, change, create
from tests.fakes import World


@pytest.mark.parametrize(
    ("body", "content"),
    [
        (b'{"a":1}', {"payload": {"a": 1}}),
        (b"[1, 2]", {"payload": [1, 2]}),
        (b"null", {"payload": None}),
        (b'"text"', {"payload": "text"}),
        (b" 7\n", {"payload": 7}),
        (b"", {"rawBody": ""}),
        (b"{", {"rawBody": "{"}),
        (b'{"a":1,"a":2}', {"rawBody": '{"a":1,"a":2}'}),
        (b"NaN", {"rawBody": "NaN"}),
        (b"1e999", {"rawBody": "1e999"}),
        (b'{"cut \\ud83d":["\\ude00"]}', {"payload": {"cut \ud83d": ["\ude00"]}}),
        (b"[" * 99 + b"]" * 99, {"payload": json.loads("[" * 99 + "]" * 99)}),
        (b"[" * 100 + b"]" * 100, {"rawBody": "[" * 100 + "]" * 100}),
        (b"[" * 101 + b"]" * 101, {"rawBody": "[" * 101 + "]" * 101}),
        (b"[" * 100_000, {"rawBody": "[" * 100_000}),
        (b"a=1&b=%00", {"rawBody": "a=1&b=%00"}),
        ("Größe\x00".encode(), {"rawBody": "Größe\x00"}),
        (b"\xef\xbb\xbf{}", {"rawBody": "\ufeff{}"}),
    ],
    ids=lambda each: ascii(each)[:24],
)
def test_a_body_is_handed_on_as_its_value_or_else_as_its_text(world: World, body: bytes, content: Any) -> None:
    secret = has_webhook(world)
    found = parameters(world, received(world, webhook(signed(secret, body), body)))
    assert {name: found.get(name, "none") for name in content} == content
    assert found.keys() == {"method", "path", "headers", "query", *content}


NO_TEXT = [
    *(b"\xff", b'{"a":"\xe9"}', b"\xed\xa0\x80", b"\xc0\xaf", "{}".encode("utf-16"), gzip.compress(b"{}", mtime=0)),
    b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n\x89PNG\x00\r\n--x--\r\n',
]


@pytest.mark.parametrize("raw", [False, True])
@pytest.mark.parametrize("body", NO_TEXT, ids=lambda each: ascii(each)[:24])
def test_a_body_that_is_no_utf_8_is_handed_on_to_the_byte(world: World, body: bytes, raw: bool) -> None:
    secret = has_webhook(world, rawBody=raw)
    found = parameters(world, received(world, webhook(signed(secret, body), body)))
    assert base64.b64decode(found["rawBodyBase64"], validate=True) == body
    assert found.keys() == {"method", "path", "headers", "query", "rawBodyBase64"}


@pytest.mark.parametrize(
    "body",
    [
        *(b'{"a": 1.0}', b'{"a":1,"a":2}\r\n', b"\xef\xbb\xbf{}\n", b"", b" \t\r\n", b"null", b"a=1&b=%00"),
        *('{"ü": "\u2028\U0001f600\x00"}'.encode(), b'{"half": "\\ud83d"}', b"12345678901234567.89", b"[" * 101),
    ],
    ids=lambda each: ascii(each)[:24],
)
def test_a_raw_body_is_handed_on_to_the_byte_whether_or_not_it_is_json(world: World, body: bytes) -> None:
    secret = has_webhook(world, rawBody=True, params={"region": "eu"})
    found = parameters(world, received(world, webhook(signed(secret, body), body)))
    assert found["rawBody"].encode() == body
    assert found.keys() == {"region", "method", "path", "headers", "query", "rawBody"}


def test_a_raw_body_is_asked_for_and_given_up_by_a_change_and_put_back_as_it_was_read(world: World) -> None:
    created = create(world, "http-trigger", METADATA["http-trigger"] | {"rawBody": True})
    metadata = as_shown(created)["triggerMetadata"]
    assert metadata == {"params": {}, "path": PATH, "signature": "standard-webhooks", "rawBody": True}
    put_back = change(world, created.trigger.id, triggerMetadata=metadata)
    assert as_shown(put_back)["triggerMetadata"] == metadata
    given_up = change(world, created.trigger.id, triggerMetadata={"path": PATH})
    assert as_shown(given_up)["triggerMetadata"] == {"params": {}, "path": PATH, "signature": "standard-webhooks"}


@pytest.mark.parametrize("raw", ["true", 1, None, {}])
def test_a_raw_body_is_asked_for_with_true_or_false(world: World, raw: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        create(world, "http-trigger", METADATA["http-trigger"] | {"rawBody": raw})
    assert refused.value.field == "triggerMetadata.rawBody"


@pytest.mark.parametrize("body", [b'"' + b"x" * MAX_BYTES + b'"', b"x" * MAX_BYTES], ids=["json", "text"])
def test_a_body_that_cannot_be_kept_is_refused_by_name(world: World, body: bytes) -> None:
    secret = has_webhook(world)
    refused = refusal(world, webhook(signed(secret, body), body))
    assert isinstance(refused, TooLarge)
    assert refused.field == "body"
