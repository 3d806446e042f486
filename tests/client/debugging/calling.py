"""Functions that are called in a process of their own, each made of its code."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fnrun.debugging.child import Call, call
from fnrun.debugging.function_version import Download, FunctionVersion
from fnrun.debugging.outcome import Outcome

ARN = "arn:aws:lambda:eu-west-1:111122223333:function:orders:3"
CUSTOM = {"functionRunId": "r-2", "functionRunOriginalId": "r-1"}


def a_version(**changes: Any) -> FunctionVersion:
    fields: dict[str, Any] = {
        "arn": ARN,
        "runtime": f"python3.{sys.version_info.minor}",
        "handler": "app.handler",
        "architecture": "x86_64",
        "timeout_seconds": 20,
        "memory_mb": 256,
        "variables": (),
        "layer_arns": (),
        "code": Download("the code", "https://example.com/code?signature", ""),
    }
    return FunctionVersion(**(fields | changes))


def outcome_of(
    folder: Path,
    code: str,
    *,
    event: Any = None,
    files: Mapping[str, str] | None = None,
    layers: Mapping[str, str] | None = None,
    raw_event: str | None = None,
    of_call: Mapping[str, Any] | None = None,
    **of_version: Any,
) -> Outcome:
    """What comes of calling the function whose module `app` is this code."""
    for below, texts in (("code", {"app.py": code, **(files or {})}), ("layers", layers or {})):
        (folder / below).mkdir(exist_ok=True)
        for name, text in texts.items():
            file = folder / below / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    (folder / "event.json").write_text(json.dumps(event) if raw_event is None else raw_event)
    what: dict[str, Any] = {
        "version": a_version(**of_version),
        "code": folder / "code",
        "layers": folder / "layers",
        "event": folder / "event.json",
        "custom": CUSTOM,
        "python": Path(sys.executable),
    }
    return call(Call(**(what | dict(of_call or {}))))
