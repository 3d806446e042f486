"""What of a webhook becomes a run, and what is refused. Signatures have a file of their own."""

import pytest

from handlers.domain.errors import (
    FunctionNotFound,
    InvalidRequest,
    NotFound,
    PathTaken,
    TriggerDisabled,
    Unavailable,
)
from handlers.domain.registry.triggers import delete_trigger
from handlers.domain.runs.run import ExecutionSource, ExecutionType, Status
from handlers.domain.seal import SealContext
from tests.builders import FUNCTION_ID, WORKSPACE, an_act
from tests.domain.starting.receiving import PATH, has_webhook, parameters, received, refusal, signed, webhook
from tests.domain.triggering import change, create
from tests.fakes import World


def test_a_webhook_starts_a_run(world: World) -> None:
    secret = has_webhook(world)
    run = received(world, webhook(signed(secret) | {"x-shop": "7"}, query={"page": "2"}))
    assert world.run(run.id) == run
    assert world.queue.pushed == [(run.id, 0)]
    assert (run.status, run.execution_source, run.trigger_type) == (
        Status.PENDING,
        ExecutionSource.WEBHOOK,
        ExecutionType.HTTP,
    )
    assert parameters(world, run) == {
        "method": "POST",
        "path": PATH,
        "headers": {"x-shop": "7"},
        "query": {"page": "2"},
        "payload": {"order": 1.0},
    }


def test_what_came_in_is_laid_over_the_trigger_s_params(world: World) -> None:
    secret = has_webhook(world, params={"region": "eu", "payload": {"order": 0, "limit": 5}, "method": "?"})
    run = received(world, webhook(signed(secret)))
    found = parameters(world, run)
    assert (found["region"], found["payload"], found["method"]) == ("eu", {"order": 1.0, "limit": 5}, "POST")


def test_a_webhook_sent_twice_is_one_run_recorded_once_and_pushed_once(world: World) -> None:
    secret = has_webhook(world)
    runs = [received(world, webhook(signed(secret))) for _ in range(3)]
    assert len({run.id for run in runs}) == 1
    assert len(world.runs.runs) == len(world.queue.pushed) == 1


def test_a_webhook_s_id_is_its_identity_whatever_else_it_says(world: World) -> None:
    secret = has_webhook(world)
    first = received(world, webhook(signed(secret)))
    again = received(world, webhook(signed(secret, b"{}"), b"{}"))
    assert again.id == first.id
    assert parameters(world, first)["payload"] == {"order": 1.0}, "what was recorded first stays"
    assert received(world, webhook(signed(secret, webhook_id="msg_2"))).id != first.id


def test_the_same_id_at_another_trigger_is_another_run(world: World) -> None:
    for path in ("a", "b"):
        create(world, "http-trigger", {"path": path, "signature": "none"}, name=path)
    runs = [received(world, webhook({"webhook-id": "msg_1"}, path=path)) for path in ("a", "b")]
    assert len({run.id for run in runs}) == len(world.queue.pushed) == 2


def test_webhooks_without_an_id_are_each_their_own(world: World) -> None:
    has_webhook(world, signature="none")
    assert received(world, webhook()).id != received(world, webhook()).id


def test_a_failed_record_is_repeated_by_the_sender_and_found_by_its_id(world: World) -> None:
    secret = has_webhook(world)
    world.cipher.cannot_seal = True
    assert isinstance(refusal(world, webhook(signed(secret))), Unavailable)
    world.cipher.cannot_seal = False
    world.queue.fails = True
    run = received(world, webhook(signed(secret)))
    assert world.run(run.id).deadline is not None, "the watchdog pushes it"


def test_what_proves_the_sender_is_not_handed_on(world: World) -> None:
    secret = has_webhook(world)
    proof = signed(secret) | {"authorization": "Basic s3cret", "proxy-authorization": "s3cret", "cookie": "s=s3cret"}
    run = received(world, webhook(proof | {"content-type": "text/plain", "authorization-hint": "kept"}))
    assert parameters(world, run)["headers"] == {"content-type": "text/plain", "authorization-hint": "kept"}
    stored = str(world.runs.runs) + str(world.registry.triggers)
    assert "s3cret" not in stored
    assert secret not in stored


def test_what_is_signed_for_others_is_handed_on_and_what_is_not_verified_here_too(world: World) -> None:
    others = {"x-hub-signature-256": "sha256=00", "stripe-signature": "t=1,v1=00", "x-shopify-hmac-sha256": "AA=="}
    secret = has_webhook(world)
    assert parameters(world, received(world, webhook(signed(secret) | others)))["headers"] == others
    create(world, "http-trigger", {"path": "open", "signature": "none"}, name="another")
    proof = signed(secret)
    found = parameters(world, received(world, webhook(proof | others | {"cookie": "c"}, path="open")))
    assert found["headers"] == proof | others


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-any", "x" * 8_001),
        ("x-any", "a\x00"),
        ("x-any", "a\r\nset-cookie: b"),
        ("x-any", "\x7f"),
        ("webhook-id", ""),
        ("webhook-id", "x" * 257),
        ("webhook-id", "a b"),
        ("webhook-id", "\u0661"),
        ("webhook-id", "\ud800"),
        ("webhook-timestamp", ""),
        ("webhook-timestamp", "\u0661" * 10),
        ("webhook-timestamp", "-1"),
        ("webhook-timestamp", "1e9"),
        ("webhook-timestamp", "nan"),
        ("webhook-timestamp", " 1700000000"),
        ("webhook-timestamp", "9" * 13),
        ("x" * 10_000, "\x00"),
    ],
    ids=lambda each: ascii(each)[:24],
)
def test_a_hostile_header_is_refused_by_name(world: World, name: str, value: str) -> None:
    secret = has_webhook(world)
    refused = refusal(world, webhook(signed(secret) | {name: value}))
    assert type(refused) is InvalidRequest
    assert refused.field == f"headers.{name[:100]}"
    assert len(refused.message) < 300


def test_headers_may_hold_all_that_http_lets_them(world: World) -> None:
    has_webhook(world, signature="none")
    headers = {"x-tab": "a\tb", "x-latin": "é", "x-long": "x" * 8_000, "x-empty": ""}
    assert parameters(world, received(world, webhook(headers)))["headers"] == headers


@pytest.mark.parametrize(
    "path", ["", "/", "..", "a/../orders", "orders/new//", "orders//new", "orders%2Fnew", "orders\x00", "x" * 100_000]
)
def test_a_hostile_path_is_refused_unlooked_for(world: World, path: str) -> None:
    has_webhook(world)
    refused = refusal(world, webhook(path=path))
    assert type(refused) is InvalidRequest
    assert refused.field == "path"


def test_a_slash_at_the_end_of_a_path_says_nothing(world: World) -> None:
    secret = has_webhook(world)
    proof = signed(secret)
    run = received(world, webhook(proof, path=f"{PATH}/"))
    assert parameters(world, run)["path"] == PATH
    assert received(world, webhook(proof)).id == run.id
    create(world, "http-trigger", {"path": "open", "signature": "none"}, name="another")
    keyed = {"idempotency-key": "once"}
    assert received(world, webhook(keyed, path="open/")).id == received(world, webhook(keyed, path="open")).id


@pytest.mark.parametrize("workspace", ["", "ACME", "another", "acme ", "acme#orders", "*", "a" * 64, "\u0430cme"])
def test_another_workspace_has_no_such_webhook(world: World, workspace: str) -> None:
    secret = has_webhook(world)
    refused = refusal(world, webhook(signed(secret), workspace=workspace))
    assert (type(refused), refused.message) == (NotFound, "Webhook not found.")


@pytest.mark.parametrize("path", ["orders", "orders/new/er", "Orders/new", "new"])
def test_a_path_that_nobody_has_is_missing(world: World, path: str) -> None:
    secret = has_webhook(world)
    assert isinstance(refusal(world, webhook(signed(secret), path=path)), NotFound)


def test_a_path_is_left_and_freed_by_a_change_and_by_a_deletion(world: World) -> None:
    has_webhook(world, signature="none")
    (trigger_id,) = world.registry.triggers
    with pytest.raises(PathTaken, match="Choose another path"):
        create(world, "http-trigger", name="another")
    change(world, trigger_id, triggerMetadata={"path": "moved", "signature": "none"})
    assert isinstance(refusal(world, webhook()), NotFound)
    assert received(world, webhook(path="moved")).trigger_id == trigger_id
    delete_trigger(WORKSPACE, trigger_id, world.registry_deps, act=an_act())
    assert isinstance(refusal(world, webhook(path="moved")), NotFound)
    create(world, "http-trigger", {"path": "moved"})


def test_a_trigger_that_is_no_webhook_has_no_path(world: World) -> None:
    trigger = create(world, "on-demand").trigger
    assert isinstance(refusal(world, webhook(path=trigger.id)), NotFound)


def test_a_disabled_webhook_says_so_only_to_its_sender(world: World) -> None:
    secret = has_webhook(world)
    (trigger_id,) = world.registry.triggers
    change(world, trigger_id, enabled=False)
    assert refusal(world, webhook()).code == "BAD_SIGNATURE"
    assert isinstance(refusal(world, webhook(signed(secret))), TriggerDisabled)
    assert isinstance(refusal(world, webhook(signed(secret), path="other")), NotFound)
    change(world, trigger_id, enabled=True)
    assert received(world, webhook(signed(secret))).trigger_id == trigger_id


def test_a_webhook_outlives_its_function_and_starts_nothing(world: World) -> None:
    secret = has_webhook(world)
    del world.registry.functions[FUNCTION_ID]
    assert isinstance(refusal(world, webhook(signed(secret))), FunctionNotFound)


def test_a_refused_signature_costs_no_more_than_opening_the_secrets(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_webhook(world, params={"a": "b"})
    opened: list[str] = []
    open_ = world.cipher.open

    def counted(sealed: bytes, seal_context: SealContext) -> bytes:
        opened.append(seal_context.part)
        return open_(sealed, seal_context)

    monkeypatch.setattr(world.cipher, "open", counted)
    refusal(world, webhook({"webhook-id": "x", "webhook-timestamp": "1700000000", "webhook-signature": "v1,"}))
    assert opened == ["secrets"]
