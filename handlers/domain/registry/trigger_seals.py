"""Open what lies sealed in a trigger: its params, and the secrets of its webhooks."""

from handlers.domain.errors import Misconfigured, TriggerUnreadable
from handlers.domain.seal import Cipher, KeyRefused, SealBroken, SealContext


def open_sealed(sealed: bytes, seal_context: SealContext, cipher: Cipher) -> bytes:
    """Raises TriggerUnreadable or Unavailable."""
    try:
        return cipher.open(sealed, seal_context)
    except KeyRefused as refused:
        raise Misconfigured from refused
    except SealBroken as broken:
        raise TriggerUnreadable from broken
