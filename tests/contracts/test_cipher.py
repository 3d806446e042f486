"""Sealing: a sealed text opens under its own context, whole, or not at all."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import pytest
from botocore.session import Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.aws.cipher import Cipher as RealCipher
from handlers.domain.errors import Unavailable
from handlers.domain.seal import Cipher, KeyRefused, SealBroken, SealContext
from infra.local.local_stack import LocalStack
from tests.contracts.conftest import FAKE
from tests.fakes.services import FakeCipher
from tests.faults.answers import error
from tests.faults.client import LateEvents, injected

CONTEXT = SealContext(workspace="acme", owner="RUN#1", part="parameters")


class Sealing(NamedTuple):
    cipher: Cipher
    another_container: Cipher
    """On the same key, with nothing cached."""
    answering: Callable[[str], AbstractContextManager[None]]
    """KMS answers with this error code."""


@pytest.fixture
def sealing(request: pytest.FixtureRequest, implementation: str) -> Sealing:
    found: Sealing = in_memory() if implementation == FAKE else request.getfixturevalue("on_kms")
    return found


@pytest.fixture(name="cipher")
def first_cipher(sealing: Sealing) -> Cipher:
    return sealing.cipher


def in_memory() -> Sealing:
    cipher = FakeCipher()

    @contextmanager
    def answering(code: str) -> Iterator[None]:
        cipher.cannot_seal, cipher.cannot_open, cipher.refused = True, True, code == "DisabledException"
        yield
        cipher.cannot_seal = cipher.cannot_open = cipher.refused = False

    return Sealing(cipher, cipher, answering)


@pytest.fixture
def on_kms(local_stack: LocalStack, kms_session: Session, kms_events: LateEvents) -> Sealing:
    @contextmanager
    def answering(code: str) -> Iterator[None]:
        answers = [error(400, code)] * 3
        with injected(kms_events, "kms.Decrypt", *answers), injected(kms_events, "kms.GenerateDataKey", *answers):
            yield

    inputs, outcomes = local_stack.outputs["InputKeyArn"], local_stack.outputs["OutcomeKeyArn"]
    cipher, another = (RealCipher(kms_session, inputs=inputs, outcomes=outcomes) for _ in range(2))
    return Sealing(cipher, another, answering)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=5000))
def test_what_was_sealed_opens_under_its_context(cipher: Cipher, content: bytes) -> None:
    assert cipher.open(cipher.seal(content, CONTEXT), CONTEXT) == content


@pytest.mark.parametrize(
    "changed", [{"workspace": "other"}, {"owner": "RUN#2"}, {"part": "overrides"}, {"part": "outcome"}]
)
def test_it_opens_under_no_other_context(cipher: Cipher, changed: dict[str, str]) -> None:
    sealed = cipher.seal(b"secret", CONTEXT)
    with pytest.raises(SealBroken):
        cipher.open(sealed, CONTEXT._replace(**changed))


def test_a_context_cannot_be_forged_by_its_own_text(cipher: Cipher) -> None:
    forged = CONTEXT._replace(owner='RUN#1", "part": "parameters"}\n')
    with pytest.raises(SealBroken):
        cipher.open(cipher.seal(b"secret", forged), CONTEXT)


def test_no_damaged_text_opens(cipher: Cipher) -> None:
    sealed = cipher.seal(b"secret", CONTEXT)
    for position in range(0, len(sealed), 7):
        damaged = bytearray(sealed)
        damaged[position] ^= 1
        with pytest.raises(SealBroken):
            cipher.open(bytes(damaged), CONTEXT)
    for damaged_text in (b"", b"\0", sealed[:-1], sealed[: len(sealed) // 2], os.urandom(500)):
        with pytest.raises(SealBroken):
            cipher.open(damaged_text, CONTEXT)


def test_the_sealed_text_does_not_show_the_content(cipher: Cipher) -> None:
    sealed = cipher.seal(b"marker-4711", CONTEXT)
    assert b"4711" not in sealed
    assert b"RUN#1" not in sealed


@pytest.mark.parametrize(
    ("code", "refused"),
    [("ThrottlingException", Unavailable), ("DisabledException", KeyRefused)],
    ids=["does not answer", "refuses the key"],
)
def test_a_kms_that_does_not_open_is_no_broken_text(sealing: Sealing, code: str, refused: type[Exception]) -> None:
    sealed = sealing.cipher.seal(b"secret", CONTEXT)
    with sealing.answering(code):
        with pytest.raises(refused):
            sealing.another_container.open(sealed, CONTEXT)
        with pytest.raises(Unavailable):
            sealing.another_container.seal(b"secret", CONTEXT)
    assert sealing.another_container.open(sealed, CONTEXT) == b"secret"
