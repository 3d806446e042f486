"""What came of calling a function, in the terms in which the service records it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

TIMED_OUT = "Sandbox.Timedout"
# As the service writes an error's type where it stands in clear (docs/reference/runs.md, "Error codes").
_NO_NAME = re.compile(r"[^A-Za-z0-9_.:;,$<>()\[\]{}*&+`'/\\@!#-]")
_MAX_NAME = 128


@dataclass(frozen=True)
class Outcome:
    status: str
    """`completed`, `failure` or `timeout`."""
    error_code: str | None = None
    result: Any = field(default=None, repr=False)
    """What the function has answered; a text if that is no JSON."""
    error: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def of_result(cls, text: str) -> Self:
        try:
            return cls("completed", result=json.loads(text, parse_constant=_refuse))
        except (ValueError, RecursionError):
            return cls("completed", result=text)

    @classmethod
    def of_error(cls, error: Mapping[str, Any]) -> Self:
        name = _NO_NAME.sub("?", str(error.get("errorType", "")))[:_MAX_NAME]
        return cls("failure", name or "UnknownError", error=error)


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
