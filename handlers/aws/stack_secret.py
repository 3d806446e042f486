"""Secrets of this installation: random bytes, made once, sealed in the table like everything that nobody may read."""

import secrets
from contextlib import suppress

from handlers.aws import keys
from handlers.aws.table import SCHEMA, ConditionFailed, Table, to_item
from handlers.domain.seal import Cipher, SealContext

# Not the name of a workspace: those do not begin with a hyphen.
_NO_WORKSPACE = "-"
_BYTES = 32


class StackSecret:
    def __init__(self, table: Table, cipher: Cipher, purpose: str) -> None:
        """One for each purpose, so that what is known of one use says nothing of another."""
        self._table = table
        self._cipher = cipher
        self._key = keys.secret(purpose)
        self._context = SealContext(_NO_WORKSPACE, self._key["pk"], "secret")
        self._known: bytes | None = None

    def read(self) -> bytes:
        """Made now, if nobody has needed it before. Raises SealBroken, KeyRefused or Unavailable."""
        if self._known is None:
            self._known = self._cipher.open(self._kept() or self._made(), self._context)
        return self._known

    def find(self) -> bytes | None:
        """For those who may not write: None if it has not been made yet. Raises like `read`."""
        if self._known is None and (kept := self._kept()) is not None:
            self._known = self._cipher.open(kept, self._context)
        return self._known

    def _kept(self) -> bytes | None:
        item = self._table.get_many([self._key]).get(keys.pair(self._key))
        return None if item is None else bytes(item["sealed"]["B"])

    def _made(self) -> bytes:
        """What is kept from now on: of two that are made at once, the first."""
        made = self._cipher.seal(secrets.token_bytes(_BYTES), self._context)
        with suppress(ConditionFailed):
            self._table.update(
                self._key,
                UpdateExpression="SET sealed = :sealed, #schema = :schema",
                ConditionExpression="attribute_not_exists(pk)",
                ExpressionAttributeNames={"#schema": "schema"},
                ExpressionAttributeValues=to_item({":sealed": made, ":schema": SCHEMA}),
            )
        return self._kept() or made
