"""The code that a plan has shown, as its re-run keeps it until the claim says what the code is by then."""

import base64
import hashlib

from handlers.domain.runs.run import Pin

_BYTES = 16


def planned_code(code_hash: str | None, config_hash: str | None) -> str:
    """A short digest of both hashes, as base64. None is a hash that the plan could not tell."""
    text = f"{code_hash or ''} {config_hash or ''}".encode()
    return base64.b64encode(hashlib.sha256(text).digest()[:_BYTES]).decode()


def is_planned(planned: str, pin: Pin) -> bool:
    """Whether that is the code, and the configuration as far as the plan knew it."""
    return planned in (
        planned_code(pin.function_code_hash, pin.config_hash),
        planned_code(pin.function_code_hash, None),
    )
