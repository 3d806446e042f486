"""Idempotency keys: a request that is sent again under the same key starts nothing again.

What is kept of a request for 24 hours is which run it has started, and a sealed digest of what it asked for; under a
name made of the key, the workspace and the caller. The header is that of draft-ietf-httpapi-idempotency-key-header.
"""

import hashlib
import re
from datetime import timedelta
from typing import NamedTuple

from handlers.domain.errors import IdempotencyKeyReused, InvalidRequest, Misconfigured, Unavailable
from handlers.domain.json_document import JsonValue, compact
from handlers.domain.log_context import concerns_run
from handlers.domain.runs.ports import RunReader
from handlers.domain.runs.run import FunctionRun
from handlers.domain.seal import Cipher, KeyRefused, SealBroken, SealContext

HEADER = "Idempotency-Key"
KEPT_FOR = timedelta(hours=24)
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


class IdempotencyKey(NamedTuple):
    """An idempotency key, as one caller of one workspace has sent it with one request."""

    workspace: str
    name: str
    """What it is kept under: 64 hexadecimal digits, which do not tell the key itself."""
    digest: bytes
    """Of what the request asks for."""

    @property
    def seal_context(self) -> SealContext:
        return SealContext(self.workspace, f"REQUEST#{self.name}", "digest")


class SealedKey(NamedTuple):
    """A key with its digest sealed, to be recorded with the run that its request starts."""

    key: IdempotencyKey
    sealed_digest: bytes


class KeptRequest(NamedTuple):
    """What is kept of a request that has started a run or a batch, beside the key that it was looked up by."""

    key: IdempotencyKey
    started_id: str
    sealed_digest: bytes


class AlreadyStarted(Exception):
    """The request of this key has started a run, or a batch, before."""

    def __init__(self, kept: KeptRequest) -> None:
        self.kept = kept
        super().__init__(kept.started_id)


def request_key(header: str | None, workspace: str, caller: str, content: JsonValue) -> IdempotencyKey | None:
    """The key of a request that asks for this; None if it was sent without. Raises InvalidRequest."""
    if header is None:
        return None
    if not _KEY.fullmatch(header):
        raise InvalidRequest(HEADER, "must be 1 to 255 printable ASCII characters, a new UUID for example.")
    name = digest([workspace, caller, header]).hex()
    return IdempotencyKey(workspace, name, digest(content))


def seal_key(key: IdempotencyKey | None, cipher: Cipher) -> SealedKey | None:
    """Raises Unavailable."""
    return None if key is None else SealedKey(key, cipher.seal(key.digest, key.seal_context))


def run_started_before(kept: KeptRequest, cipher: Cipher, runs: RunReader) -> FunctionRun:
    """Log lines concern it from here on. Raises IdempotencyKeyReused if that was another request, or Unavailable."""
    check_same_request(kept, cipher)
    found = runs.read_many([kept.started_id])
    if not found:
        # Runs are kept for longer than keys: it cannot be read now.
        raise Unavailable
    concerns_run(found[0].source_run_id or found[0].id, found[0].lineage_id)
    return found[0]


def check_same_request(kept: KeptRequest, cipher: Cipher) -> None:
    """Raises IdempotencyKeyReused if it was another one, or Unavailable."""
    try:
        same = cipher.open(kept.sealed_digest, kept.key.seal_context) == kept.key.digest
    except KeyRefused as refused:
        raise Misconfigured from refused
    except SealBroken:
        same = False
    if not same:
        raise IdempotencyKeyReused


def digest(value: JsonValue) -> bytes:
    """Of what a request asks for."""
    # The order of an object's keys says nothing.
    return hashlib.sha256(compact(value, sort_keys=True).encode()).digest()
