"""Sealing: what is encrypted under which name. The cipher itself is in `handlers.aws.cipher`."""

from typing import NamedTuple, Protocol

OUTCOME = "outcome"
NO_WORKSPACE = "-"
"""Whose the installation's own secrets are. Not the name of a workspace: those do not begin with a hyphen."""


class SealContext(NamedTuple):
    """Whose secret it is. A sealed text opens only under the context that it was sealed with."""

    workspace: str
    owner: str
    """The key of the item it belongs to: `RUN#{id}`, `TRIGGER#{id}`, `REQUEST#{…}` or `SECRET#{…}`; of a plan's
    token, which is stored nowhere, `PLAN#{run}`."""
    part: str

    @property
    def is_outcome(self) -> bool:
        """Whether it is what came of a run. That has a key of its own: who starts runs cannot read it."""
        return self.part == OUTCOME


class SealBroken(Exception):
    """The sealed text is damaged, of another owner, part or workspace, or under a key that no longer opens it."""


class KeyRefused(SealBroken):
    """KMS will not open it now: the key is disabled, or not ours to use. The text itself may be sound."""


class Cipher(Protocol):
    def seal(self, content: bytes, seal_context: SealContext) -> bytes:
        """Raises Unavailable."""

    def open(self, sealed: bytes, seal_context: SealContext) -> bytes:
        """Raises SealBroken, KeyRefused, or Unavailable when it is KMS that fails for now."""
