"""Text that others have written, made safe to show: a name or a result may hold what drives a terminal."""

import json
import re
import sys
from typing import Any

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_NOT_IN_JSON = re.compile(r"[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: object) -> str:
    """One line without control characters, marks of direction and halves of surrogate pairs: these as escapes."""
    return _CONTROLS.sub(_escaped, str(text))


def as_json(document: Any, *, indent: int | None = 2) -> str:
    """JSON that a terminal only shows, and that any reader takes."""
    # What a terminal lacks has to be an escape of JSON's.
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    is_ascii = not encoding.lower().startswith("utf")
    return _NOT_IN_JSON.sub(_escaped, json.dumps(document, indent=indent, ensure_ascii=is_ascii))


def _escaped(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
