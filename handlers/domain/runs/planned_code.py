"""The code that a plan has shown, as its re-run keeps it until the claim says what the code is by then."""

import base64
import hashlib

from handlers.domain.runs.run import Pin

_BYTES = 8
_UNKNOWN = bytes(_BYTES)


def planned_code(code_hash: str | None, config_hash: str | None) -> str:
    """Short digests of both hashes, as base64. None is a hash that the plan could not tell."""
    return base64.b64encode(_digest(code_hash) + _digest(config_hash)).decode()


def is_planned(planned: str, pin: Pin) -> bool:
    """Whether that is the code, and the configuration so far as both the plan and the claim know it."""
    then = base64.b64decode(planned)
    now = base64.b64decode(planned_code(pin.function_code_hash, pin.config_hash))
    configurations = {then[_BYTES:], now[_BYTES:]}
    return then[:_BYTES] == now[:_BYTES] and (_UNKNOWN in configurations or len(configurations) == 1)


def _digest(hash_: str | None) -> bytes:
    return _UNKNOWN if hash_ is None else hashlib.sha256(hash_.encode()).digest()[:_BYTES]
