"""How fast a batch goes and what stops it, as it is typed, and as the API takes it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fnrun.errors import UsageFault
from fnrun.inputs.instants import parse_duration

SAME_ERROR, RATE, FAILURES = "same-error", "rate", "failures"
_SWITCH = {"": True, "yes": True, "no": False}
_RATE = re.compile(r"(?P<number>\d{1,3}(?:\.\d{1,9})?|\.\d{1,9})(?P<percent>%?)")


def pace(start: float | None, most: float | None, double_every: str | None) -> dict[str, Any]:
    """Empty if nothing of it was typed. Raises UsageFault."""
    given = {
        "startPerSecond": start,
        "maxPerSecond": most,
        "doubleEverySeconds": double_every and round(parse_duration(double_every, option="--double-every")),
    }
    return {name: value for name, value in given.items() if value is not None}


def stop_rules(typed: Sequence[str]) -> dict[str, Any]:
    """Of `same-error`, `same-error=no`, `rate=0.2`, `rate=20%`, `failures=10`: what is not named stays as it is.

    Raises UsageFault.
    """
    rules: dict[str, Any] = {}
    for text in typed:
        name, _, value = text.partition("=")
        field, read = _RULES.get(name, ("", str))
        parsed = read(value) if field else None
        if parsed is None:
            raise UsageFault(
                f"--stop-on {text!r} is no rule", "write --stop-on same-error, same-error=no, rate=0.2 or failures=10"
            )
        if field in rules:
            raise UsageFault(f"--stop-on {name} is there twice", "leave one of them out")
        rules[field] = parsed
    return rules


def _rate(text: str) -> float | None:
    found = _RATE.fullmatch(text)
    return None if found is None else float(found["number"]) / (100 if found["percent"] else 1)


def _failures(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


_RULES: Mapping[str, tuple[str, Any]] = {
    SAME_ERROR: ("sameErrorGroup", _SWITCH.get),
    RATE: ("failureRate", _rate),
    FAILURES: ("failures", _failures),
}
