"""The folder of a run on this machine.

    run.json      which run and which version it is, without content
    event.json    the run's parameters
    code/         the version's code, layers/ what its layers put below /opt
    latest-…/     the same of the current code, once for each state of it
    env.example   the names of the function's environment variables

Only its owner can look into it, because parameters are secrets.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from fnrun.debugging.archives import Unpacking
from fnrun.debugging.function_version import Download, FunctionVersion
from fnrun.errors import CommandError, Exit
from fnrun.output.console import note

_RUN_FILE = "run.json"
_ARCHIVE = ".download.zip"
_UNFINISHED = ".unfinished"


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """What the file system refuses is one line."""
    try:
        yield
    except OSError as error:
        raise CommandError(
            f"Nothing can be written to {place} ({error.strerror or type(error).__name__})",
            "choose another place, or make room",
            Exit.NOT_WELL,
        ) from None


class Versions(Protocol):
    def layer(self, arn: str) -> Download: ...
    def download(self, what: Download, file: Path) -> None: ...


class RunFolder:
    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.event = self.path / "event.json"
        self.env_example = self.path / "env.example"

    def check(self, run_id: str) -> None:
        """Raises CommandError if it is something else than this run's folder, or an empty one."""
        if self.path.exists() and not self._is_free_for(run_id):
            raise CommandError(f"{self.path} holds something else", "name an empty folder with --directory", Exit.USAGE)

    def claim(self, run: Mapping[str, Any]) -> None:
        """Make it the run's own."""
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)
        self.write(self.path / _RUN_FILE, json.dumps(_without_content(run), indent=2) + "\n")

    def _is_free_for(self, run_id: str) -> bool:
        if not self.path.is_dir():
            return False
        try:
            return bool(json.loads((self.path / _RUN_FILE).read_text())["id"] == run_id)
        except (OSError, ValueError, LookupError, TypeError):
            return not any(self.path.iterdir())

    def write_event(self, run: Mapping[str, Any]) -> None:
        """What is `raw` is written byte for byte."""
        parameters = run["parameters"]
        self.write(
            self.event, parameters if run["parametersFormat"] == "raw" else json.dumps(parameters, indent=2) + "\n"
        )

    def write_env_example(self, version: FunctionVersion) -> None:
        if version.variables is None:
            lines = ["# AWS does not show the names of this function's variables."]
        elif not version.variables:
            lines = ["# The function has no variables."]
        else:
            lines = ["# Copy this file, write the values behind the signs, and name the copy with --env-file."]
            lines += [f"{name}=" for name in version.variables]
        self.write(self.env_example, "\n".join(lines) + "\n")

    def write(self, file: Path, text: str) -> None:
        file.unlink(missing_ok=True)  # it may be a link, or readable by others
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
            opened.write(text)

    def fetch_code(self, version: FunctionVersion, versions: Versions, *, place: Path) -> Path:
        """The code of a version below `place`. What is there already is kept as it is, changes of it included."""
        return self._fetch(place / "code", [version.code], versions)

    def fetch_layers(self, version: FunctionVersion, versions: Versions, *, place: Path) -> Path:
        """What its layers put below /opt, in their order."""
        folder = place / "layers"
        if not version.layer_arns:
            folder.mkdir(parents=True, exist_ok=True)
            return folder
        return self._fetch(folder, [versions.layer(arn) for arn in version.layer_arns], versions)

    def _fetch(self, folder: Path, downloads: list[Download], versions: Versions) -> Path:
        if folder.exists():
            note(f"{folder} is used as it is: it is there since an earlier call.")
            return folder
        unfinished, archive = folder.with_name(folder.name + _UNFINISHED), self.path / _ARCHIVE
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        try:
            unpacking = Unpacking(unfinished)
            for each in downloads:
                versions.download(each, archive)
                unpacking.add(archive)
            if left_out := unpacking.make_links():
                note(f"Left out of {folder}: {len(left_out)} links that lead to nothing in it, as {left_out[0]}.")
            unfinished.rename(folder)
        finally:
            archive.unlink(missing_ok=True)
            shutil.rmtree(unfinished, ignore_errors=True)
        return folder


def _without_content(run: Mapping[str, Any]) -> dict[str, Any]:
    content = ("parameters", "overrides", "result", "logs", "error")
    return {name: value for name, value in run.items() if name not in content}
