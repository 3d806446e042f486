"""JSON that was typed, or is in a file. What is wrong with it is said without quoting it: it may be secret."""

import json
import math
import os
import sys
from pathlib import Path
from typing import Any

from fnrun.errors import UsageFault

STDIN = "-"
_DIGITS = 4_300
"""Of an integer: the API's limit, and Python's own."""


class _NotTaken(Exception):
    """It is JSON by its grammar, but the API does not take it. Its message says why."""


def parse_json(text: str, *, option: str) -> Any:
    """Raises UsageFault."""
    try:
        return _parsed(text)
    except json.JSONDecodeError as error:
        raise UsageFault(
            f"{option} is not JSON: line {error.lineno}, column {error.colno}", "correct it there"
        ) from None
    except _NotTaken as why:
        raise UsageFault(f"{option} {why}", "correct it there") from None


def parse_json_or_text(text: str, *, option: str) -> Any:
    """JSON where it parses, else the text itself. Raises UsageFault for what is meant as JSON, and is none."""
    if text.strip().startswith(("{", "[", '"')):
        return parse_json(text, option=option)
    try:
        return _parsed(text)
    except json.JSONDecodeError:
        return text
    except _NotTaken as why:
        raise UsageFault(f"{option} {why}", "correct it there") from None


def parse_object(text: str, *, option: str) -> dict[str, Any]:
    """Raises UsageFault if it is no JSON object."""
    parsed = parse_json(text, option=option)
    if not isinstance(parsed, dict):
        raise UsageFault(f"{option} is not a JSON object", "put the value under a key")
    return parsed


def read_object(typed: str | None, *, option: str) -> dict[str, Any]:
    """Of an option that takes JSON, `@FILE`, `FILE`, or `-` for standard input; empty for None. Raises UsageFault."""
    if typed is None:
        return {}
    if typed.lstrip().startswith(("{", "[", '"')):
        return parse_object(typed, option=option)
    if typed == STDIN or typed.startswith("@"):
        name = typed.removeprefix("@")
    elif os.path.exists(typed):  # noqa: PTH110 - False also for what is too long to be a name
        name = typed
    else:  # it is not quoted: it may be a value
        raise UsageFault(f"{option} is neither a JSON object nor a file", "write JSON, @FILE, or - for standard input")
    return parse_object(read_text(name, option=option), option=f"{option} {name}")


def read_text(name: str, *, option: str) -> str:
    """Of a file, or of standard input for `-`. Raises UsageFault."""
    try:
        content = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
        return content.decode("utf-8-sig")
    except OSError as error:
        raise UsageFault(f"{option}: {name} cannot be read: {error.strerror}", "name a file, or -") from None
    except UnicodeDecodeError:
        raise UsageFault(f"{option}: {name} is not UTF-8", "save it as UTF-8") from None


def _parsed(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_without_equal_keys,
            parse_int=_short,
            parse_float=_finite,
            parse_constant=_no_constant,
        )
    except RecursionError:
        raise _NotTaken("is nested too deeply") from None


def _without_equal_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _NotTaken("has two equal keys in one object")
    return made


def _short(text: str) -> int:
    if len(text) > _DIGITS:
        raise _NotTaken("has an integer of more digits than the API takes")
    return int(text)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _NotTaken("has a number that is too large")
    return number


def _no_constant(name: str) -> Any:
    raise _NotTaken(f'has {name}, which is no number of JSON: as a text it is written "{name}"')
