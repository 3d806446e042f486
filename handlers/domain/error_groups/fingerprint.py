"""Which failures are alike: those of one function, of one error type, raised in the same functions.

Messages, line numbers and what the function was invoked with never count, so a group outlives deploys that leave the
names of functions alone. A minifier gives them other names with each build: there a deploy begins new groups.

Without frames (a timeout, a runtime that was killed, an error of this service, a Go error that is no panic) it is the
type alone: all such failures of a function are one group.
"""

import hashlib
import hmac
from collections.abc import Sequence

from handlers.domain.runs.run import ErrorSource

# Frames, those of the deepest cause first. What is further out is the way to the error, of which there may be several.
INNERMOST = 5
_BYTES = 16


def group_id(
    function_id: str, error_source: ErrorSource, error_code: str, frames: Sequence[str] = (), secret: bytes = b""
) -> str:
    """32 hexadecimal digits. Of two groups that differ in anything it is another one.

    Names of functions are content: with frames it is keyed with a secret, so that nobody can try names out. Function
    and type stand in clear beside it, and need none.
    """
    parts = [function_id, error_source.value, error_code, *frames[:INNERMOST]]
    texts = [part.encode(errors="backslashreplace") for part in parts]
    whole = b"".join(len(text).to_bytes(4, "big") + text for text in texts)
    digest = hmac.digest(secret, whole, "sha256") if frames else hashlib.sha256(whole).digest()
    return digest[:_BYTES].hex()
