"""Secrets of this installation: random bytes, made once, sealed in the table like everything that nobody may read."""

import secrets
from contextlib import suppress

from handlers.aws import keys
from handlers.aws.table import SCHEMA, ConditionFailed, Item, Table, to_item
from handlers.domain.seal import NO_WORKSPACE, Cipher, SealContext

_BYTES = 32


class StackSecret:
    def __init__(self, table: Table, cipher: Cipher, purpose: str) -> None:
        """One for each purpose, so that what is known of one use says nothing of another."""
        self._table = table
        self._cipher = cipher
        self._key = keys.secret(purpose)
        self._context = SealContext(NO_WORKSPACE, self._key["pk"], "secret")
        self._sealed: bytes | None = None
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

    def unread(self) -> list[keys.Key]:
        """What somebody who reads from the table anyway may read along, for `note`."""
        return [] if self._sealed or self._known else [self._key]

    def note(self, found: dict[tuple[str, str], Item]) -> None:
        item = found.get(keys.pair(self._key))
        self._sealed = self._sealed if item is None else bytes(item["sealed"]["B"])

    def _kept(self) -> bytes | None:
        if self._sealed is None:
            self.note(self._table.get_many([self._key]))
        return self._sealed

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
