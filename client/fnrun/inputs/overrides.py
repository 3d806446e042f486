"""`--set a.b=1`, over what `--params` or `--payload` has: what the parameters of a run are overridden with."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from fnrun.errors import UsageFault
from fnrun.inputs.json_values import parse_json_or_text

_ELEMENT = re.compile(r"(?<!\\)\[[^\]]*\]$")


def read_overrides(settings: Sequence[str], base: Mapping[str, Any]) -> dict[str, Any]:
    """The settings over the base, which stays as it is. Raises UsageFault where two of them are about the same."""
    merged = _copied(base)
    set_before: list[tuple[str, ...]] = []
    for setting in settings:
        path, value = _parse(setting)
        for other in set_before:
            if path[: len(other)] == other or other[: len(path)] == path:
                raise UsageFault(
                    f"--set {_written(path)} and --set {_written(other)} are about the same", "leave one of them out"
                )
        set_before.append(path)
        _put(merged, path, value)
    return merged


def check_arrays(plan: Mapping[str, Any]) -> None:
    """Raises UsageFault where a re-run would have an object of numbered keys in the place of an array."""
    for change in plan.get("changes") or ():
        before, after = change.get("before"), change.get("after")
        if isinstance(before, list) and isinstance(after, dict) and any(key.isdecimal() for key in after):
            name = ".".join(change["pointer"].split("/")[1:])
            number = next(key for key in after if key.isdecimal())
            raise UsageFault(
                f"--set {name}.{number} names one element, but an array is replaced as a whole",
                f"write --set '{name}=[…]'",
            )


def _copied(base: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copied(value) if isinstance(value, dict) else value for key, value in base.items()}


def _parse(setting: str) -> tuple[tuple[str, ...], Any]:
    keys, found, value = _split(setting)
    if not found:
        raise UsageFault("--set has no =", "write --set key=value, a.b=value for a key inside of a key")
    if keys[0].startswith("/"):
        dotted = ".".join(part for part in ".".join(keys).split("/") if part)
        raise UsageFault(
            f"--set {'.'.join(keys)}= is a JSON Pointer, and --set takes keys with dots",
            f"write --set {dotted}=…, an array as a whole; or \\{keys[0]} if that is the key",
        )
    for key in keys:
        if element := _ELEMENT.search(key):
            name = key[: element.start()]
            raise UsageFault(
                f"--set {'.'.join(keys)}= names one element, but an array is replaced as a whole",
                f"write --set '{name}=[…]', or {name}\\{element[0]} if that is the key",
            )
    path = tuple(_unescaped(key) for key in keys)
    if not all(path):
        raise UsageFault("--set has an empty key", "write a key before each dot and before the =, or use --params")
    return path, parse_json_or_text(value, option=f"--set {_written(path)}")


def _split(setting: str) -> tuple[list[str], str, str]:
    """The keys as they are written, the first = outside of an escape, and what stands behind it."""
    keys, at = [""], 0
    while at < len(setting):
        character = setting[at]
        if character == "=":
            return keys, "=", setting[at + 1 :]
        if character == ".":
            keys.append("")
        elif character == "\\":
            keys[-1] += setting[at : at + 2]
            at += 1
        else:
            keys[-1] += character
        at += 1
    return keys, "", ""


def _unescaped(key: str) -> str:
    return re.sub(r"\\([.=\\\[/])", r"\1", key)


def _written(path: Sequence[str]) -> str:
    return ".".join(re.sub(r"([.=\\])", r"\\\1", key) for key in path)


def _put(document: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for depth, key in enumerate(path[:-1], 1):
        document = document.setdefault(key, {})
        if not isinstance(document, dict):
            raise _in_both(path, path[:depth])
    if path[-1] in document:
        raise _in_both(path, path)
    document[path[-1]] = value


def _in_both(path: Sequence[str], given: Sequence[str]) -> UsageFault:
    return UsageFault(
        f"--set {_written(path)} would replace {_written(given)}, which is given already", "leave one of them out"
    )
