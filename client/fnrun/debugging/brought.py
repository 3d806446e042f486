"""What of a run lies on this machine."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fnrun.debugging import recorded_run
from fnrun.debugging.aws import LambdaVersions
from fnrun.debugging.folder import RunFolder, writing
from fnrun.debugging.function_version import FunctionVersion
from fnrun.output.console import note

if TYPE_CHECKING:
    from function_rerun import Client

_SHORT = 8


@dataclass(frozen=True, kw_only=True)
class Brought:
    run: Mapping[str, Any] = field(repr=False)
    """With its content, as far as that could be shown."""
    version: FunctionVersion
    folder: RunFolder
    code: Path
    layers: Path
    ignored: list[str]
    """JSON Pointers to what does not count when its results are compared."""


def bring(
    client: "Client",
    run_id: str,
    version: FunctionVersion,
    versions: LambdaVersions,
    folder: RunFolder,
    *,
    code: Path | None,
    latest: bool,
) -> Brought:
    """Opens the run's parameters. `code` is a folder of the caller's own, which is used where it is."""
    run = recorded_run.with_content(client, run_id)
    place = folder.path
    if latest:
        state = hashlib.sha256("\n".join([version.code.sha256, *version.layer_arns]).encode()).hexdigest()
        place = folder.path / f"latest-{state[:_SHORT]}"
    elif run["functionCodeHash"] not in (None, version.code.sha256):
        note("This is not the code that the run was executed by: AWS has another hash for it.")
    with writing(folder.path):
        folder.claim(run)
        folder.write_event(run)
        folder.write_env_example(version)
        return Brought(
            run=run,
            version=version,
            folder=folder,
            code=code.resolve() if code else folder.fetch_code(version, versions, place=place),
            layers=folder.fetch_layers(version, versions, place=place),
            ignored=recorded_run.ignored_differences(client, run),
        )
