"""What `fnrun debug` prints: for people, or as one JSON document (docs/reference/command-line.md)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fnrun.debugging.brought import Brought
from fnrun.debugging.comparison import Comparison, frames_of
from fnrun.debugging.outcome import Outcome
from fnrun.debugging.runner import PACKAGES_OF_THE_RUNTIME
from fnrun.output.console import note, print_json, stdout
from fnrun.output.differences import print_differences
from fnrun.output.tables import print_table
from fnrun.output.text import as_json, printable
from fnrun.shared import invocation

_DIFFERS: Mapping[str, str] = {
    "status": "They differ: in how they ended.",
    "errorCode": "They differ: in the type of the error.",
    "frames": "They differ: the error was raised in other functions.",
    "result": "They differ: in the result.",
}
_NOT_COMPARED: Mapping[str, str] = {
    "result": "The recorded result was not shown, so only the status was compared.",
    "frames": "The recorded error was not shown, so only the status and the type of the error were compared.",
}
_NO_MODULE = re.compile(r"No module named '(\w+)'")
_MAX_SHOWN = 2_000


def brought_only(brought: Brought, again: str) -> None:
    if invocation().as_json:
        print_json(_document(brought) | {"executedHere": False, "docker": None})
        return
    _show_folder(brought)
    note(f"Next: {again}")


def to_be_executed_in_docker(brought: Brought, lines: tuple[str, str], reason: str | None) -> None:
    if invocation().as_json:
        print_json(_document(brought) | {"executedHere": False, "docker": {"start": lines[0], "send": lines[1]}})
        return
    _show_folder(brought)
    if reason:
        note(f"It is not executed here: {reason}. In AWS's image of its runtime, in two terminals:")
    for line in lines:
        stdout().print(line, soft_wrap=True)


def executed(brought: Brought, *, outcome: Outcome, compared: Comparison, python: Path) -> None:
    if invocation().as_json:
        print_json(
            _document(brought)
            | {
                "executedHere": True,
                "outcome": {
                    "status": outcome.status,
                    "errorCode": outcome.error_code,
                    "result": outcome.result,
                    "error": outcome.error,
                },
                "agrees": compared.agrees,
                "differs": [*compared.differs],
                "differences": [*compared.differences],
                "notCompared": [*compared.not_compared],
            }
        )
    else:
        _show_outcomes(brought.run, outcome, compared)
        _show_folder(brought)
        note("Change the code there and debug it again; or try --latest, --code DIR or --debugpy PORT.")
    _advise(outcome, python)


def _document(brought: Brought) -> dict[str, Any]:
    run, version = brought.run, brought.version
    return {
        "runId": run["id"],
        "directory": str(brought.folder.path),
        "code": str(brought.code),
        "functionVersionArn": version.arn,
        "handler": version.handler,
        "runtime": version.runtime,
        "recorded": {"status": run["status"], "errorCode": run["errorCode"]},
    }


def _show_outcomes(run: Mapping[str, Any], outcome: Outcome, compared: Comparison) -> None:
    print_table(
        ("", "status", "error", "in"),
        [
            ("here", outcome.status, outcome.error_code, _innermost(outcome.error)),
            ("recorded", run["status"], run["errorCode"], _innermost(run.get("error"))),
        ],
    )
    if outcome.status == "completed":
        note(f"Result here: {_shortened(as_json(outcome.result, indent=None))}")
    if compared.agrees is None:
        note("There is no outcome of the function to compare with.")
        return
    for each in compared.differs:
        note(_DIFFERS[each])
    print_differences(compared.differences)
    if compared.agrees:
        note("They agree.")
    for each in compared.not_compared:
        note(_NOT_COMPARED[each])


def _innermost(error: Any) -> str:
    frames = frames_of(error) if isinstance(error, dict) else ()
    return str(frames[0]) if frames else ""


def _show_folder(brought: Brought) -> None:
    note(f"The run is in {brought.folder.path}, its code in {brought.code}.")


def _advise(outcome: Outcome, python: Path) -> None:
    """Of what AWS's runtime has and this Python does not."""
    if outcome.error_code != "Runtime.ImportModuleError" or outcome.error is None:
        return
    missing = _NO_MODULE.search(str(outcome.error.get("errorMessage")))
    if missing and missing[1] in PACKAGES_OF_THE_RUNTIME:
        note(f"AWS's runtime has {missing[1]}, and this Python does not. Next: {python} -m pip install {missing[1]}")


def _shortened(text: str) -> str:
    return printable(text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + " …")
