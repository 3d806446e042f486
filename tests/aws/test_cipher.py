import gc
from typing import Any

import pytest
from aws_encryption_sdk.streaming_client import StreamDecryptor
from botocore.exceptions import EndpointConnectionError
from botocore.session import Session

from handlers.aws import aws_errors
from handlers.aws.cipher import Cipher
from handlers.domain.errors import Misconfigured, Unavailable
from handlers.domain.seal import KeyRefused, SealBroken, SealContext
from infra.local.local_stack import LocalStack
from tests.faults.answers import error, throttled
from tests.faults.client import LateEvents, injected

SEAL_CONTEXT = SealContext(workspace="acme", owner="RUN#1", part="parameters")


@pytest.fixture
def another_container(local_stack: LocalStack, kms_session: Session) -> Cipher:
    """A cipher whose cache is empty."""
    return Cipher(kms_session, inputs=local_stack.outputs["InputKeyArn"], outcomes=local_stack.outputs["OutcomeKeyArn"])


def test_of_a_damaged_text_no_stream_stays_open(cipher: Cipher) -> None:
    """Its finalizer would print a traceback into the log of the Lambda."""
    sealed = cipher.seal(b"secret", SEAL_CONTEXT)
    with pytest.raises(SealBroken) as caught:  # the traceback keeps the stream
        cipher.open(sealed[:-1], SEAL_CONTEXT)
    streams = [each for each in gc.get_objects() if type(each) is StreamDecryptor]
    assert caught.value.__cause__ is not None
    assert streams
    assert all(each.closed for each in streams)


def test_one_data_key_serves_a_workspace(cipher: Cipher, kms_events: LateEvents, another_container: Cipher) -> None:
    with injected(kms_events, "kms.GenerateDataKey") as generated:
        sealed = [cipher.seal(b"x", SEAL_CONTEXT._replace(owner=f"RUN#{n}")) for n in range(20)]
        cipher.seal(b"x", SEAL_CONTEXT._replace(workspace="other"))
    assert len(generated) == 2
    with injected(kms_events, "kms.Decrypt") as decrypted:
        for n, text in enumerate(sealed):
            another_container.open(text, SEAL_CONTEXT._replace(owner=f"RUN#{n}"))
    assert len(decrypted) == 1


@pytest.mark.parametrize(
    "fault",
    [
        throttled(),
        error(500, "KMSInternalException"),
        error(500, "KeyUnavailableException"),
        error(503, "DependencyTimeoutException"),
        EndpointConnectionError(endpoint_url="https://kms"),
    ],
    ids=["throttled", "internal", "key unavailable", "dependency", "no connection"],
)
def test_a_kms_that_fails_for_now_is_not_a_broken_seal(
    cipher: Cipher, kms_events: LateEvents, another_container: Cipher, fault: Any
) -> None:
    sealed = cipher.seal(b"secret", SEAL_CONTEXT)
    with injected(kms_events, "kms.Decrypt", fault), pytest.raises(Unavailable):
        another_container.open(sealed, SEAL_CONTEXT)
    assert another_container.open(sealed, SEAL_CONTEXT) == b"secret"
    with injected(kms_events, "kms.GenerateDataKey", fault), pytest.raises(Unavailable):
        another_container.seal(b"secret", SEAL_CONTEXT)


@pytest.mark.parametrize("code", ["DisabledException", "KMSInvalidStateException", "AccessDeniedException"])
def test_a_key_that_may_not_be_used_says_so_and_counts_as_a_broken_seal(
    cipher: Cipher, kms_events: LateEvents, another_container: Cipher, code: str
) -> None:
    sealed = cipher.seal(b"secret", SEAL_CONTEXT)
    with injected(kms_events, "kms.Decrypt", error(400, code)), pytest.raises(KeyRefused):
        another_container.open(sealed, SEAL_CONTEXT)
    assert issubclass(KeyRefused, SealBroken)


@pytest.mark.parametrize("code", ["DisabledException", "KMSInvalidStateException", "AccessDeniedException"])
def test_a_key_that_is_refused_wakes_somebody_whoever_waits_for_it(
    cipher: Cipher,
    kms_events: LateEvents,
    another_container: Cipher,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(aws_errors, "_observers", [seen.append])
    sealed = cipher.seal(b"secret", SEAL_CONTEXT)
    with injected(kms_events, "kms.Decrypt", error(400, code)), pytest.raises(KeyRefused):
        another_container.open(sealed, SEAL_CONTEXT)
    with injected(kms_events, "kms.GenerateDataKey", error(400, code)), pytest.raises(Misconfigured):
        another_container.seal(b"secret", SEAL_CONTEXT)
    # Both containers of this test listen to one session.
    assert {(each.response["Error"]["Code"], each.operation_name) for each in seen} == {
        (code, "Decrypt"),
        (code, "GenerateDataKey"),
    }
    before = len(seen)
    with injected(kms_events, "kms.GenerateDataKey", throttled()), pytest.raises(Unavailable) as fault:
        another_container.seal(b"secret", SEAL_CONTEXT)
    assert not isinstance(fault.value, Misconfigured)
    assert len(seen) == before


def test_a_data_key_that_kms_does_not_know_is_a_broken_seal(
    cipher: Cipher, kms_events: LateEvents, another_container: Cipher
) -> None:
    sealed = cipher.seal(b"secret", SEAL_CONTEXT)
    unknown = error(400, "InvalidCiphertextException")
    with injected(kms_events, "kms.Decrypt", unknown), pytest.raises(SealBroken) as broken:
        another_container.open(sealed, SEAL_CONTEXT)
    assert not isinstance(broken.value, KeyRefused)


def test_a_past_throttle_does_not_excuse_a_broken_seal(
    cipher: Cipher, kms_events: LateEvents, another_container: Cipher
) -> None:
    sealed = cipher.seal(b"secret", SEAL_CONTEXT)
    with injected(kms_events, "kms.Decrypt", throttled()), pytest.raises(Unavailable):
        another_container.open(sealed, SEAL_CONTEXT)
    with pytest.raises(SealBroken):
        another_container.open(sealed[:-1], SEAL_CONTEXT)
