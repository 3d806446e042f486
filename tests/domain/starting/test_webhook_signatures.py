"""Who may send: those who know a secret that is valid."""

import base64
from datetime import timedelta

import pytest

from handlers.domain.errors import BadSignature, InvalidRequest, Stale, TriggerUnreadable, Unavailable
from handlers.domain.registry.triggers import RotateSecret, rotate_secret, show_trigger
from handlers.domain.starting.webhook_signatures import Flaw
from tests.as_shown import as_shown
from tests.builders import WORKSPACE, an_act
from tests.domain.starting.receiving import BODY, has_webhook, received, refusal, signed, webhook
from tests.domain.triggering import METADATA, change, create
from tests.fakes import World

GOOD_TWIN = "whsec_" + base64.b64encode(b"another's secret of 32 bytes ...").decode()


def rotated(world: World, *, keep_previous: bool = True) -> str:
    """The new secret of the only trigger."""
    (trigger_id,) = world.registry.triggers
    request = RotateSecret.read({"keepPrevious": keep_previous})
    secret = rotate_secret(WORKSPACE, trigger_id, request, world.registry_deps, act=an_act()).secret
    assert secret is not None
    return secret


def is_taken(world: World, secret: str, webhook_id: str = "msg_1") -> bool:
    try:
        received(world, webhook(signed(secret, webhook_id=webhook_id)))
    except BadSignature:
        return False
    return True


def test_a_secret_is_one_of_standard_webhooks_and_no_two_are_alike(world: World) -> None:
    secrets = {create(world, "http-trigger", {"path": f"p{n}"}, name=f"n{n}").secret or "" for n in range(5)}
    assert len(secrets) == 5
    assert all(secret.startswith("whsec_") for secret in secrets)
    assert {len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) for secret in secrets} == {32}


def test_a_webhook_signed_with_the_trigger_s_secret_is_taken(world: World) -> None:
    assert is_taken(world, has_webhook(world))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_of_a_signature_is_needed(world: World, missing: str) -> None:
    proof = signed(has_webhook(world))
    del proof[missing]
    assert isinstance(refusal(world, webhook(proof)), BadSignature)


def test_a_webhook_without_any_signature_is_refused(world: World) -> None:
    has_webhook(world)
    refused = refusal(world, webhook())
    assert (type(refused), refused.code) == (BadSignature, "BAD_SIGNATURE")


@pytest.mark.parametrize("changed", ["secret", "body", "id", "timestamp", "order of body"])
def test_what_was_not_signed_so_is_refused(world: World, changed: str) -> None:
    secret = has_webhook(world)
    proof = signed(GOOD_TWIN if changed == "secret" else secret)
    body = {"body": BODY + b" ", "order of body": BODY[::-1]}.get(changed, BODY)
    proof |= {"webhook-id": "msg_2"} if changed == "id" else {}
    proof |= {"webhook-timestamp": str(int(proof["webhook-timestamp"]) - 1)} if changed == "timestamp" else {}
    assert isinstance(refusal(world, webhook(proof, body)), BadSignature)


@pytest.mark.parametrize(
    "signature",
    [
        *("v2,", "v1,", "v1", ",", ",,", " ", "v1,,", "v1,not base64!", "v1,é", "v1,\u0661", "v1a,AAAA", "x" * 8_000),
        *("v1,AAAA v1,BBBB", "v1,=", "v1,A", "V1,AAAA", "v1," + "A" * 7_000, "v1, v1, " * 500),
    ],
    ids=lambda signature: ascii(signature)[:24],
)
def test_a_malformed_signature_is_a_bad_one_and_no_fault(world: World, signature: str) -> None:
    proof = signed(has_webhook(world)) | {"webhook-signature": signature}
    assert isinstance(refusal(world, webhook(proof)), BadSignature)


def test_a_signature_of_another_version_takes_nothing_from_the_valid_one_beside_it(world: World) -> None:
    proof = signed(has_webhook(world))
    proof["webhook-signature"] = f"v2,AAAA v1a,BBBB v1,CCCC {proof['webhook-signature']}"
    assert received(world, webhook(proof)).trigger_id in world.registry.triggers


JUNK = [
    *(
        "",
        "v1",
        "v1,",
        ",",
        ",,",
        "\t",
        " \t ",
        "v1,,",
        "v1a,AAAA",
        "v2,AAAA",
        "v1,not base64!",
        "v1,é",
        "é,ü",
        "v1,\u0661",
    ),
    *("v1,AAAA", "V1,AAAA", "v1,=", "v1,A", "v1, ", "sha256=00", "v1," + "A" * 3_000, "v1 " * 500, "v1,\ud800", "\x85"),
]


@pytest.mark.parametrize("junk", JUNK, ids=lambda junk: ascii(junk)[:24])
@pytest.mark.parametrize(
    "form",
    ["{junk} {right}", "{right} {junk}", "{junk}  {right}  {junk}", "{junk}\t{right}\t", "{junk},{right},{junk}"],
)
def test_what_is_malformed_takes_nothing_from_the_right_one_wherever_it_stands(
    world: World, junk: str, form: str
) -> None:
    proof = signed(has_webhook(world))
    proof["webhook-signature"] = form.format(junk=junk, right=proof["webhook-signature"])
    assert received(world, webhook(proof)).trigger_id in world.registry.triggers


def test_each_of_two_valid_secrets_may_have_made_the_right_one_among_others(world: World) -> None:
    first = has_webhook(world)
    second = rotated(world)
    for n, secret in enumerate((first, second)):
        proof = signed(secret, webhook_id=f"msg_{n}")
        proof["webhook-signature"] = f"v1 v1,AAAA  {proof['webhook-signature']} ,"
        assert received(world, webhook(proof)).trigger_id in world.registry.triggers


@pytest.mark.parametrize("changed", [-1, 0, 10])
def test_one_other_bit_is_another_signature(world: World, changed: int) -> None:
    proof = signed(has_webhook(world))
    signature = bytearray(base64.b64decode(proof["webhook-signature"].removeprefix("v1,")))
    signature[changed] ^= 1
    proof["webhook-signature"] = "v1," + base64.b64encode(signature).decode()
    assert isinstance(refusal(world, webhook(proof)), BadSignature)


def test_bytes_that_would_read_alike_are_not_signed_alike(world: World) -> None:
    secret = has_webhook(world)
    proof = signed(secret, b"\xff")
    assert received(world, webhook(proof, b"\xff")).trigger_id in world.registry.triggers
    for other in (b"\xfe", "\ufffd".encode(), b"", "\xff".encode()):
        assert isinstance(refusal(world, webhook(proof | {"webhook-id": "other"}, other)), BadSignature)


@pytest.mark.parametrize(
    ("changes", "flaw"),
    [
        ({"webhook-id": None}, Flaw.NO_ID),
        ({"webhook-timestamp": None}, Flaw.NO_TIMESTAMP),
        ({"webhook-signature": None}, Flaw.NO_SIGNATURE),
        ({"webhook-signature": ""}, Flaw.NO_SIGNATURE),
        ({"webhook-timestamp": "1"}, Flaw.STALE),
        ({"webhook-timestamp": "999999999999"}, Flaw.FUTURE),
        ({"webhook-signature": "v2,AAAA v1 sha256=00"}, Flaw.MALFORMED),
        ({"webhook-signature": "v1,AAAA"}, Flaw.WRONG),
        ({"webhook-id": "msg_2"}, Flaw.WRONG),
    ],
    ids=str,
)
def test_who_is_refused_is_not_told_why_and_the_log_is(
    world: World, changes: dict[str, str | None], flaw: Flaw
) -> None:
    proof = {name: value for name, value in (signed(has_webhook(world)) | changes).items() if value is not None}
    refused = refusal(world, webhook(proof))
    assert isinstance(refused, BadSignature)
    assert (refused.flaw, refused.trigger_id) == (flaw, *world.registry.triggers)
    assert refused.message == BadSignature().message


@pytest.mark.parametrize(("minutes", "taken"), [(0, True), (4.5, True), (-4.5, True), (5.5, False), (-5.5, False)])
def test_a_signature_is_good_for_five_minutes_before_and_after(world: World, minutes: float, taken: bool) -> None:
    proof = signed(has_webhook(world), ago=timedelta(minutes=minutes))
    if taken:
        assert received(world, webhook(proof)).trigger_id in world.registry.triggers
    else:
        assert isinstance(refusal(world, webhook(proof)), BadSignature)


@pytest.mark.parametrize("timestamp", ["0", "999999999999", "1"])
def test_a_timestamp_of_another_age_is_a_bad_one_and_no_fault(world: World, timestamp: str) -> None:
    proof = signed(has_webhook(world)) | {"webhook-timestamp": timestamp}
    assert isinstance(refusal(world, webhook(proof)), BadSignature)


def test_an_unsigned_webhook_asks_for_no_signature_and_has_no_secret(world: World) -> None:
    created = create(world, "http-trigger", {"path": "orders/new", "signature": "none"})
    assert created.secret is None
    assert "secret" not in as_shown(created)
    assert world.registry.triggers[created.trigger.id].sealed_secrets is None
    assert received(world, webhook()).trigger_id == created.trigger.id
    assert received(world, webhook(signed(GOOD_TWIN))).trigger_id == created.trigger.id
    with pytest.raises(InvalidRequest, match="no trigger with signed webhooks"):
        rotated(world)


def test_a_webhook_that_is_to_be_signed_from_now_on_gets_its_secret(world: World) -> None:
    trigger = create(world, "http-trigger", {"path": "orders/new", "signature": "none"}).trigger
    changed = change(world, trigger.id, triggerMetadata=METADATA["http-trigger"])
    assert changed.secret is not None
    assert isinstance(refusal(world, webhook()), BadSignature)
    assert is_taken(world, changed.secret)
    assert change(world, trigger.id, name="renamed").secret is None


def test_a_secret_is_shown_once_and_stored_sealed(world: World) -> None:
    created = create(world, "http-trigger")
    assert created.secret is not None
    assert as_shown(created)["secret"] == created.secret
    shown = show_trigger(WORKSPACE, created.trigger.id, world.registry_deps)
    assert "secret" not in as_shown(shown)
    stored = world.registry.triggers[created.trigger.id]
    assert created.secret not in str(stored)
    assert base64.b64decode(created.secret.removeprefix("whsec_")) not in (stored.sealed_secrets or b"")
    assert stored.trigger.seal_context("secrets") == (WORKSPACE, f"TRIGGER#{created.trigger.id}", "secrets")


def test_two_secrets_are_valid_while_senders_move_on_and_the_oldest_is_not(world: World) -> None:
    oldest = has_webhook(world)
    previous = rotated(world)
    assert [is_taken(world, secret) for secret in (oldest, previous)] == [True, True]
    newest = rotated(world)
    assert len({oldest, previous, newest}) == 3
    assert [is_taken(world, secret) for secret in (oldest, previous, newest)] == [False, True, True]


def test_a_secret_that_was_stolen_is_not_kept(world: World) -> None:
    stolen = has_webhook(world)
    newest = rotated(world, keep_previous=False)
    assert [is_taken(world, secret) for secret in (stolen, newest)] == [False, True]


def test_a_rotation_is_a_change_that_others_see(world: World) -> None:
    has_webhook(world, params={"region": "eu"})
    ((trigger_id, before),) = world.registry.triggers.items()
    request = RotateSecret.read({})
    shown = rotate_secret(WORKSPACE, trigger_id, request, world.registry_deps, act=an_act())
    assert shown.trigger.version == before.trigger.version + 1
    assert shown.params == {"region": "eu"}
    assert shown.secret is not None
    assert shown.secret not in str(world.registry.triggers)


def test_two_who_rotate_at_once_do_not_both_believe_that_their_secret_counts(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_webhook(world)
    ((trigger_id, before),) = world.registry.triggers.items()
    mine = rotated(world)
    monkeypatch.setattr(world.registry, "read_trigger", lambda _: before)
    with pytest.raises(Stale):
        rotate_secret(WORKSPACE, trigger_id, RotateSecret.read({}), world.registry_deps, act=an_act())
    monkeypatch.undo()
    assert is_taken(world, mine)


def test_secrets_that_cannot_be_opened_now_are_no_bad_signature(world: World) -> None:
    secret = has_webhook(world)
    for state in ("cannot_open", "refused"):
        setattr(world.cipher, state, True)
        assert isinstance(refusal(world, webhook(signed(secret))), Unavailable)
        setattr(world.cipher, state, False)
    world.cipher.broken = True
    assert isinstance(refusal(world, webhook(signed(secret))), TriggerUnreadable)


def test_secrets_of_another_trigger_do_not_open(world: World) -> None:
    secret = has_webhook(world)
    other = create(world, "http-trigger", {"path": "other"}, name="other")
    stored = world.registry.triggers[other.trigger.id]
    theirs = next(iter(world.registry.triggers.values())).sealed_secrets
    world.registry.triggers[other.trigger.id] = stored._replace(sealed_secrets=theirs)
    assert isinstance(refusal(world, webhook(signed(secret), path="other")), TriggerUnreadable)
