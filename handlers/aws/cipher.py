"""Sealing with the AWS Encryption SDK under the stack's two KMS keys: one for inputs, one for outcomes.

The encryption context is the workspace alone, so that one cached data key serves all runs of a workspace; which run
and which part a text belongs to stands inside the sealed envelope and is compared after opening, as is the context
(the SDK authenticates the message's own context but does not compare it with what the reader expects).
"""

import io
import json
import logging
import threading
from functools import cache
from typing import Any

import aws_encryption_sdk
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import AlgorithmSuite
from botocore.exceptions import ClientError
from botocore.session import Session

from handlers.aws import aws_errors
from handlers.domain.errors import Misconfigured, Unavailable
from handlers.domain.seal import KeyRefused, SealBroken, SealContext

SCHEMA = 1
ALGORITHM = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
# Data keys stay in memory for minutes and for so many messages: a few KMS calls a minute instead of two per run.
CACHED_KEYS = 100
KEY_AGE_SECONDS = 300.0
MESSAGES_PER_KEY = 10_000

# The SDK logs a traceback for every failed key and then raises: the error is ours to tell, once.
logging.getLogger("aws_encryption_sdk").setLevel(logging.CRITICAL)


class Cipher:
    def __init__(self, session: Session, *, inputs: str = "", outcomes: str = "") -> None:
        """`session` is the botocore session whose KMS clients are used, regions and retries included.

        `inputs` and `outcomes` are the ARNs of the keys. Who never seals or opens one kind leaves out its key.
        """
        self._sdk = aws_encryption_sdk.EncryptionSDKClient(
            commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT, max_encrypted_data_keys=1
        )
        self._session = session
        self._faults = _KmsFaults(session)
        self._materials_of = cache(self._new_materials)
        self._keys = {False: inputs, True: outcomes}

    def _materials(self, seal_context: SealContext) -> Any:
        return self._materials_of(self._keys[seal_context.is_outcome])

    def _new_materials(self, key_arn: str) -> Any:
        return aws_encryption_sdk.CachingCryptoMaterialsManager(
            master_key_provider=aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(
                key_ids=[key_arn], botocore_session=self._session
            ),
            cache=aws_encryption_sdk.LocalCryptoMaterialsCache(CACHED_KEYS),
            max_age=KEY_AGE_SECONDS,
            max_messages_encrypted=MESSAGES_PER_KEY,
        )

    def seal(self, content: bytes, seal_context: SealContext) -> bytes:
        """Raises Unavailable: there is no reason of the content's why sealing should fail."""
        self._faults.forget()
        try:
            sealed, _ = self._sdk.encrypt(
                source=_envelope(seal_context) + content,
                materials_manager=self._materials(seal_context),
                algorithm=ALGORITHM,
                encryption_context={"workspace": seal_context.workspace},
            )
        except AWSEncryptionSDKClientError as error:
            raise (Misconfigured if self._faults.kind is KeyRefused else Unavailable) from error
        except aws_errors.OF_BOTOCORE as error:
            raise Unavailable from error
        return bytes(sealed)

    def open(self, sealed: bytes, seal_context: SealContext) -> bytes:
        """Raises SealBroken, KeyRefused, or Unavailable when it is KMS that fails for now."""
        self._faults.forget()
        try:
            opened, context = self._decrypt(sealed, self._materials(seal_context))
        except aws_errors.OF_BOTOCORE as error:
            raise Unavailable from error
        except Exception as error:
            # The SDK meets damaged input with its own errors and, now and then, with Python's.
            if self._faults.kind is not None:
                raise self._faults.kind from error
            raise SealBroken from error
        expected = _envelope(seal_context)
        if context.get("workspace") != seal_context.workspace or not opened.startswith(expected):
            raise SealBroken("the text was sealed under another label")
        return opened[len(expected) :]

    def _decrypt(self, sealed: bytes, materials: Any) -> tuple[bytes, dict[str, str]]:
        """The content, and the encryption context that the message was sealed with."""
        stream = self._sdk.stream(mode="decrypt", source=sealed, materials_manager=materials)
        try:
            opened, context = stream.read(), stream.header.encryption_context
            stream.close()  # raises unless the message was read to its end
        finally:
            # Of a damaged message the SDK's own close() raises, and raises again in the finalizer, where Python 3.13
            # prints it: https://docs.python.org/3/library/io.html#io.IOBase.__del__
            io.IOBase.close(stream)
        return bytes(opened), context


def _envelope(seal_context: SealContext) -> bytes:
    """The first line inside the seal. JSON escapes line ends, so nothing in a label can end it early."""
    return json.dumps({"schema": SCHEMA, "owner": seal_context.owner, "part": seal_context.part}).encode() + b"\n"


# What KMS says of a ciphertext that is not its own; every other refusal is of the key, or of us.
_OF_THE_TEXT = frozenset({"InvalidCiphertextException", "IncorrectKeyException"})


class _KmsFaults:
    """Remembers, per thread, how KMS failed.

    The SDK reports every failure as a bare DecryptKeyError; a throttled KMS must not read as "Failed to decrypt".
    """

    def __init__(self, session: Session) -> None:
        self._seen = threading.local()
        session.register("after-call.kms", self._note)

    def forget(self) -> None:
        self._seen.kind = None

    @property
    def kind(self) -> type[Unavailable | KeyRefused] | None:
        return getattr(self._seen, "kind", None)

    def _note(self, **called: Any) -> None:
        parsed = called["parsed"]
        if "Error" not in parsed or parsed["Error"].get("Code") in _OF_THE_TEXT:
            return
        if aws_errors.is_passing(parsed):
            self._seen.kind = Unavailable
        else:
            self._seen.kind = KeyRefused
            aws_errors.notify_observers(ClientError(parsed, called["model"].name))
