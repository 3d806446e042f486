"""Which failures are alike: those of one function, type and types of causes, raised in the same functions.

Messages, line numbers and what the function was invoked with never count, so a group outlives deploys that leave the
names of functions alone. A minifier gives them other names with each build: there a deploy begins new groups.

Without frames (a timeout, a runtime that was killed, an error of this service, a Go error that is no panic) it is the
type alone: all such failures of a function are one group.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from handlers.domain.error_groups.libraries import is_of_library
from handlers.domain.runs.frames import causes_of
from handlers.domain.runs.outcome import error_name
from handlers.domain.runs.run import ErrorSource

# The innermost, those of the deepest cause first. What is further out is the way to the error, of which there may be
# several.
INNERMOST = 5
_BYTES = 16
# In a type they are of one failure: `OrderFailed-4711`. A status of HTTP is not: `Http404`.
_IDS = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=[a-f]*\d)[0-9a-f]{8,}|(?<!\d)(?![45]\d\d(?!\d))\d{3,}", re.IGNORECASE
)


def details_of(error: bytes | None) -> tuple[str, ...]:
    """What an error document says of itself beyond its type; empty if it has neither frames nor causes.

    The types of its causes, the function that raised it, and the five innermost that are not a library's, or of any if
    all are. Each once and in alphabetical order: where a recursion breaks off is chance.
    """
    causes = causes_of(error)
    own: dict[str, None] = {}
    every: dict[str, None] = {}
    for frame in (frame for cause in causes for frame in cause.frames):
        every[frame.name] = None
        if not is_of_library(frame):
            own[frame.name] = None
            if len(own) == INNERMOST:
                break
    innermost, places = next(iter(every), ""), list(own or every)[:INNERMOST]
    types = "\n".join(_without_ids(error_name(cause.error_type)) for cause in causes[:-1])
    raised_in = "" if innermost in places else innermost
    return (types, raised_in, *sorted(places)) if types or places else ()


def group_id(
    function_id: str, error_source: ErrorSource, error_code: str, details: Sequence[str] = (), secret: bytes = b""
) -> str:
    """32 hexadecimal digits. Of two groups that differ in anything but an id in the type it is another one.

    Details are content: with them it is keyed with a secret, so that nobody can try names out. Function and type stand
    in clear beside it, and need none.
    """
    parts = [function_id, error_source.value, _without_ids(error_code), *details]
    texts = [part.encode(errors="backslashreplace") for part in parts]
    whole = b"".join(len(text).to_bytes(4, "big") + text for text in texts)
    digest = hmac.digest(secret, whole, "sha256") if details else hashlib.sha256(whole).digest()
    return digest[:_BYTES].hex()


def _without_ids(error_type: str) -> str:
    return _IDS.sub("#", error_type)
