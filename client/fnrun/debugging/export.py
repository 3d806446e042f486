"""`fnrun export-test`: a run as a pytest file, with a fixture beside it."""

import json
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fnrun.connection.session import current, open_client
from fnrun.debugging import recorded_run
from fnrun.debugging.aws import versions_of
from fnrun.debugging.folder import writing
from fnrun.debugging.pointers import checked
from fnrun.debugging.pytest_file import pytest_file
from fnrun.debugging.redaction import Redacted, redact
from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.output.console import note, print_json, stdout
from fnrun.output.text import printable
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client

_HANDLER = re.compile(r"[\w\-]+(?:[./][\w\-]+)*\.[A-Za-z_]\w*", re.ASCII)
_SHORT = 8
_MAX_LISTED = 20


@dataclass(frozen=True, kw_only=True)
class Options:
    run_id: str
    into: Path
    handler: str | None = None
    redact: Sequence[str] = ()
    ignore: Sequence[str] = ()
    force: bool = False
    aws_profile: str | None = None
    region: str | None = None


def export_test(options: Options) -> None:
    pointers = [checked(pointer) for pointer in options.redact]
    ignored = [checked(pointer) for pointer in options.ignore]
    if options.handler and not _HANDLER.fullmatch(options.handler):
        raise UsageFault(f"{options.handler!r} is not a handler", "write it like app.handler or src/app.handler")
    with open_client() as client:
        run = recorded_run.without_content(client, options.run_id)
        _check_outcome(run)
        name = _name(run["id"])
        files = [options.into / f"test_{name}.py", options.into / f"{name}.json"]
        _check_free(files, force=options.force)
        handler = options.handler or _deployed_handler(client, run, options)
        run = recorded_run.with_content(client, run["id"])
        ignored += recorded_run.ignored_differences(client, run) if run["status"] == "completed" else []
    redacted = redact(_content(run), pointers)
    text = pytest_file(
        name=name, fixture=files[1].name, run=run, handler=handler, redacted=redacted.places, ignored=ignored
    )
    with writing(options.into):
        options.into.mkdir(parents=True, exist_ok=True)
        _write(files[1], json.dumps(_fixture(run, handler, redacted, ignored), indent=2) + "\n", force=options.force)
        _write(files[0], text, force=options.force)
    _report(run, files, handler, redacted)


def _how_to_run(test: Path, handler: str, run_id: str) -> str:
    """A line that works when it is copied, wherever the code can be found; else what is missing in it is named."""
    parts = Path(*re.split(r"[./]", handler)[:-1])
    places = [Path(), test.parent.parent, test.parent, Path(f"RUN-{run_id[:_SHORT]}") / "code"]
    for place in places:
        if (place / parts).with_suffix(".py").is_file() or (place / parts / "__init__.py").is_file():
            where = "" if place == Path() else f"PYTHONPATH={shlex.quote(str(place))} "
            return f"{where}python -m pytest {shlex.quote(str(test))}"
    return f"cd FOLDER_OF_THE_CODE && python -m pytest {shlex.quote(str(test.absolute()))}"


def _check_outcome(run: Mapping[str, Any]) -> None:
    if run["status"] not in ("completed", "failure", "timeout"):
        raise CommandError(
            f"Run {run['id']} is {run['status']}: there is no outcome to test",
            "choose a run that has ended",
            Exit.NOT_WELL,
        )
    if run["errorSource"] == "service":
        raise CommandError(
            f"Run {run['id']} ended as {run['errorCode']}, which is not the function's doing: there is nothing to test",
            f"fnrun runs show {run['id']}",
            Exit.NOT_WELL,
        )
    if run["parametersFormat"] == "raw":
        raise CommandError(
            f"The parameters of run {run['id']} cannot be written into a fixture without loss",
            f"fnrun debug {run['id']}",
            Exit.NOT_WELL,
        )
    if run["resultOmitted"]:
        raise CommandError(f"The result of run {run['id']} was not kept", "choose another run", Exit.NOT_WELL)


def _content(run: Mapping[str, Any]) -> dict[str, Any]:
    if run["status"] != "completed":
        return {"parameters": run["parameters"]}
    if "result" not in run:
        raise CommandError(
            f"Parameters and result of run {run['id']} are too large to be shown together",
            "choose another run",
            Exit.NOT_WELL,
        )
    return {"parameters": run["parameters"], "result": run["result"]}


def _deployed_handler(client: "Client", run: dict[str, Any], options: Options) -> str:
    try:
        arn = recorded_run.function_arn(client, run, latest=False)
        handler = versions_of(current(), arn, profile=options.aws_profile, region=options.region).get(arn).handler
    except CommandError as error:
        raise CommandError(
            f"The name of the handler is not known: {error.message}", "add --handler app.handler", error.exit_code
        ) from None
    if not _HANDLER.fullmatch(handler):
        raise CommandError(f"{handler!r} is no handler in Python", "add --handler app.handler", Exit.NOT_WELL)
    return handler


def _name(run_id: str) -> str:
    return "run_" + re.sub(r"[^0-9a-z]", "", run_id.lower(), flags=re.ASCII)[:_SHORT]


def _fixture(run: Mapping[str, Any], handler: str, redacted: Redacted, ignored: Sequence[str]) -> dict[str, Any]:
    arn = run["functionVersionArn"] or ""
    more: dict[str, Any] = {}
    if run["status"] == "timeout":
        more["timeoutSeconds"] = max(1, round((run["durationMs"] or 3_000) / 1_000))
    if ignored:
        more["ignored"] = [*ignored]
    return {
        "runId": run["id"],
        "handler": handler,
        "functionArn": arn,
        "functionName": arn.split(":")[6] if arn else "function",
        "functionVersion": run["functionVersion"] or "$LATEST",
        "custom": recorded_run.client_context(run),
        "status": run["status"],
        "errorCode": run["errorCode"],
        "redacted": [*redacted.places],
        **more,
        **redacted.documents,
    }


def _check_free(files: Sequence[Path], *, force: bool) -> None:
    for file in files:
        if file.exists() and not force:
            raise CommandError(f"{file} is there already", "add --force to replace it", Exit.USAGE)


def _write(file: Path, text: str, *, force: bool) -> None:
    if force:
        file.unlink(missing_ok=True)
    # Parameters are secrets until somebody has looked at them.
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


def _report(run: Mapping[str, Any], files: Sequence[Path], handler: str, redacted: Redacted) -> None:
    if invocation().as_json:
        print_json(
            {
                "runId": run["id"],
                "test": str(files[0]),
                "fixture": str(files[1]),
                "handler": handler,
                "redacted": [{"pointer": pointer, "places": count} for pointer, count in redacted.places.items()],
                "alsoRedacted": [*redacted.others],
            }
        )
        return
    for file in files:
        stdout().print(printable(file), soft_wrap=True)
    for pointer, count in redacted.places.items():
        note(f"Redacted: {pointer} ({count} {'place' if count == 1 else 'places'})")
    for other in redacted.others[:_MAX_LISTED]:
        note(f"Redacted, because a redacted text stood there: {other}")
    if len(redacted.others) > _MAX_LISTED:
        note(f"… and at {len(redacted.others) - _MAX_LISTED} more places.")
    note(
        f"{files[1].name} holds the run's {'parameters and result' if run['status'] == 'completed' else 'parameters'}"
        f"{', redacted' if redacted.places else ''}: look at it before you commit it."
    )
    expected = "should pass" if run["status"] == "completed" else "should fail until the function is fixed"
    note(f"It {expected}. Next: {_how_to_run(files[0], handler, run['id'])}")
