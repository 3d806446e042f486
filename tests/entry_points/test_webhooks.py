"""What is logged of webhooks that are refused."""

import json
import logging

import pytest

from handlers import api_webhooks
from handlers.domain import clock
from handlers.domain.registry.webhook_secrets import new_secret, seal
from tests.builders import a_trigger, an_id
from tests.entry_points.events import OWN, WEBHOOK, answer_of, http_event
from tests.entry_points.in_memory import InMemory, wire
from tests.fakes import World

SECRET_BODY = '{"card":"4111"}'


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World()
    trigger = a_trigger(
        id=an_id(7),
        execution_type="http-trigger",
    )
    world.has_registered(trigger)
    stored = world.registry.triggers[trigger.id]
    sealed = seal([new_secret()], trigger, world.cipher)
    world.registry.triggers[trigger.id] = stored._replace(sealed_secrets=sealed)
    wire(monkeypatch, InMemory(world))
    return world


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({}, "no element of webhook-signature is right"),
        ({"webhook-timestamp": "1700000000"}, "webhook-timestamp is more than five minutes old"),
        ({"webhook-timestamp": "99999999999"}, "webhook-timestamp is more than five minutes ahead"),
        ({"webhook-signature": "sha256=4111"}, "webhook-signature has no element of the form v1,…"),
        ({"webhook-id": ""}, None),
    ],
    ids=str,
)
def test_the_log_says_what_was_wrong_with_a_signature_and_the_answer_does_not(
    world: World, caplog: pytest.LogCaptureFixture, changes: dict[str, str], flaw: str | None
) -> None:
    proof = {"webhook-id": "m", "webhook-timestamp": str(int(clock.now().timestamp())), "webhook-signature": "v1,4111"}
    event = http_event(WEBHOOK, {"workspace": OWN, "path": "orders"}, headers=proof | changes, body=SECRET_BODY)
    with caplog.at_level(logging.INFO):
        status, document = answer_of(api_webhooks, event)
    lines = [vars(record) for record in caplog.records]
    logged = [(line["flaw"], line["triggerId"]) for line in lines if "flaw" in line]
    assert logged == ([] if flaw is None else [(flaw, an_id(7))])
    assert status == (400 if flaw is None else 401)
    texts = [value for line in lines for value in line.values() if not isinstance(value, float)]  # a moment may have it
    assert "4111" not in str(texts) + json.dumps(document)
    assert flaw is None or document["message"] == (
        "The webhook's signature is missing or wrong, or its timestamp is more than five minutes off."
    )
