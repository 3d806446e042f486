"""The secrets that webhooks are signed with: two at most are valid at once, so that senders can move to the next.

They are sealed beside their trigger, and shown once, when they are made.
"""

import base64
import json
import secrets

from handlers.domain.registry.entities import FunctionTrigger, StoredTrigger, open_sealed
from handlers.domain.seal import Cipher

# Standard Webhooks: from 24 to 64 bytes.
_BYTES = 32


def new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(_BYTES)).decode()


def seal(valid: list[str], trigger: FunctionTrigger, cipher: Cipher) -> bytes:
    """`valid` has the newest first. Raises Unavailable."""
    return cipher.seal(json.dumps(valid).encode(), trigger.seal_context("secrets"))


def with_needed_secret(stored: StoredTrigger, cipher: Cipher) -> tuple[StoredTrigger, str | None]:
    """A webhook that is to be signed from now on gets its first secret. Raises Unavailable."""
    if not stored.trigger.metadata.needs_secret or stored.sealed_secrets is not None:
        return stored, None
    secret = new_secret()
    return stored._replace(sealed_secrets=seal([secret], stored.trigger, cipher)), secret


def open_all(stored: StoredTrigger, cipher: Cipher) -> list[str]:
    """The valid secrets, the newest first. Raises TriggerUnreadable or Unavailable."""
    if stored.sealed_secrets is None:
        return []
    valid: list[str] = json.loads(open_sealed(stored.sealed_secrets, stored.trigger.seal_context("secrets"), cipher))
    return valid
