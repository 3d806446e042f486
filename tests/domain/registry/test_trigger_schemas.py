"""What a request says of a trigger: it survives storage, answer and being put back, and fits the API's description."""

import json
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator

from handlers.api.schemas import schemas
from handlers.aws import registry_items
from handlers.aws.table import from_item, to_item
from handlers.domain.clock import iso
from handlers.domain.registry.entities import StoredTrigger
from handlers.domain.registry.trigger_kinds import KINDS
from handlers.domain.registry.triggers import ChangeTrigger, CreateTrigger
from tests.as_shown import as_shown
from tests.builders import FUNCTION_ID, NOW
from tests.domain.triggering import CRON, METADATA, ONCE, change, create
from tests.domain.triggering import KINDS as EXECUTION_TYPES
from tests.fakes import World

NAMES = st.text("abc $.", min_size=1, max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=3)
CRONS = ["0 9 ? * MON-FRI *", "0/15 * * * ? *", "0 0 L * ? *", "0 10 1,15 * ? 2026-2030", "30 8 ? * 2#1 *"]
MOMENTS = st.integers(10**9, 10**10).map(lambda seconds: iso(NOW + timedelta(seconds=seconds)))
SEGMENTS = st.from_regex(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]{0,9}", fullmatch=True)
VALID: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "on-demand": st.just({}),
    "scheduled": st.integers(1, 366 * 24 * 60).map(
        lambda minutes: {"scheduleType": "interval", "interval": minutes * 60}
    )
    | st.fixed_dictionaries(
        {"scheduleType": st.just("cron"), "cronExpression": st.sampled_from(CRONS)},
        optional={"timezone": st.sampled_from(["UTC", "Europe/Berlin"])},
    )
    | MOMENTS.map(lambda moment: {"scheduleType": "once", "at": moment}),
    "event-driven": st.fixed_dictionaries(
        {"eventPattern": OBJECTS.map(lambda matched: {"source": ["shop"], "detail": {"order": [matched]}})},
        optional={"eventBusName": st.just("default")},
    ),
    "http-trigger": st.fixed_dictionaries(
        {"path": st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)},
        optional={"signature": st.sampled_from(["standard-webhooks", "none"]), "rawBody": st.booleans()},
    ),
}


def of_every_kind() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    kinds = [st.tuples(st.just(kind), metadata) for kind, metadata in VALID.items()]
    return st.tuples(st.one_of(kinds), st.none() | OBJECTS).map(
        lambda drawn: (drawn[0][0], drawn[0][1] | ({} if drawn[1] is None else {"params": drawn[1]}))
    )


def stored_and_read(stored: StoredTrigger) -> StoredTrigger:
    return registry_items.to_trigger(to_item(from_item(to_item(registry_items.of_trigger(stored)))))


@given(of_every_kind())
def test_what_a_request_says_comes_back_and_can_be_put_back(trigger: tuple[str, dict[str, Any]]) -> None:
    kind, metadata = trigger
    world = World()
    created = create(world, kind, metadata)
    stored = world.registry.triggers[created.trigger.id]
    assert stored_and_read(stored) == stored

    shown = json.loads(json.dumps(as_shown(created._replace(secret=None))))
    assert shown["executionType"] == kind
    sent = {name: value for name, value in metadata.items() if (name, value) != ("rawBody", False)}
    assert shown["triggerMetadata"].items() >= sent.items()

    synced = dict(world.aws.synced)
    changed = change(world, created.trigger.id, **shown)
    assert (changed.trigger.metadata, changed.params) == (created.trigger.metadata, created.params)
    assert world.aws.synced == synced


@cache
def described(model: Any) -> OAS31Validator:
    return OAS31Validator({"$ref": f"#/components/schemas/{model.__name__}", "components": {"schemas": schemas()}})


@given(of_every_kind())
def test_what_is_accepted_fits_the_description_of_the_api(trigger: tuple[str, dict[str, Any]]) -> None:
    kind, metadata = trigger
    body = {"name": "a trigger", "functionId": FUNCTION_ID, "executionType": kind, "triggerMetadata": metadata}
    create(World(), kind, metadata)
    described(CreateTrigger).validate(body)
    described(ChangeTrigger).validate({"triggerMetadata": metadata})


@pytest.mark.parametrize(
    "metadata",
    [
        ("scheduled", METADATA["scheduled"] | {"interval": 90}),
        ("scheduled", METADATA["scheduled"] | {"at": ONCE["at"]}),
        ("scheduled", CRON | {"cronExpression": "x" * 257}),
        ("scheduled", {}),
        ("event-driven", {"eventPattern": "{}"}),
        ("event-driven", METADATA["event-driven"] | {"eventBusName": None}),
        ("http-trigger", {"path": "a//b"}),
        ("http-trigger", {"path": "a", "signature": "hmac"}),
        ("on-demand", {"path": "a"}),
    ],
)
def test_what_the_description_rules_out_is_refused_too(metadata: tuple[str, dict[str, Any]]) -> None:
    kind, said = metadata
    body = {"name": "a trigger", "functionId": FUNCTION_ID, "executionType": kind, "triggerMetadata": said}
    assert not described(CreateTrigger).is_valid(body)


def test_the_description_has_one_alternative_for_each_kind() -> None:
    schema = CreateTrigger.model_json_schema()
    assert list(schema["discriminator"]["mapping"]) == sorted(KINDS)
    assert len(schema["oneOf"]) == len(KINDS) == len(EXECUTION_TYPES)
    scheduled = schema["$defs"]["ScheduleCreateTrigger"]
    assert list(scheduled["properties"]["triggerMetadata"]["discriminator"]["mapping"]) == ["cron", "interval", "once"]
    assert "triggerMetadata" in scheduled["required"]
    assert "triggerMetadata" not in schema["$defs"]["OnDemandCreateTrigger"]["required"]
