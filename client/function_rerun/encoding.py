"""Python's values as the API takes them: what is None is left out."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

Moment = str | datetime
_PRINTABLE = re.compile(r"[ -~]{1,255}")


def moment(value: Moment | None) -> str | None:
    """RFC 3339. Raises ValueError for a datetime without a time zone."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError("the datetime has no time zone")
    return value.isoformat()


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def query(parameters: Mapping[str, Any]) -> dict[str, str]:
    return {name: _text(value) for name, value in parameters.items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def joined(names: Iterable[str]) -> str | None:
    """None for none."""
    return ",".join([names] if isinstance(names, str) else names) or None


def segment(value: str) -> str:
    """A part of a path, which stays there: `..` would lead elsewhere."""
    quoted = quote(value, safe="", errors="replace")
    return quoted if quoted.strip(".") else quoted.replace(".", "%2E")


def header(name: str, value: str) -> str:
    """Raises ValueError for what no header can hold."""
    if not _PRINTABLE.fullmatch(value):
        raise ValueError(f"{name} must be 1 to 255 printable ASCII characters")
    return value
