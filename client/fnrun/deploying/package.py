"""The zip that Lambda gets: the folder's files, and what its requirements.txt names."""

import io
import os
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

from fnrun.errors import CommandError

LEFT_OUT = frozenset(
    {".git", ".local", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__", "node_modules", "venv"}
)
_OF_RUNS = re.compile(r"RUN-[0-9a-f]{8}|run_[0-9a-z]{8}\.json|test_run_[0-9a-z]{8}\.py")
"""What `fnrun debug` and `fnrun export-test` write: the parameters of runs are no code."""
REQUIREMENTS = "requirements.txt"
LIMIT_BYTES = 250 * 1024 * 1024
"""Unzipped: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def packaged(directory: Path, python: str, *, report: Callable[[str], None]) -> bytes:
    """Packages are installed for `python`, the interpreter that will execute the function. Raises CommandError."""
    with tempfile.TemporaryDirectory(prefix="fnrun-deploy-") as name:
        installed = Path(name)
        if (directory / REQUIREMENTS).is_file():
            report(f"Installing {REQUIREMENTS}")
            _install(directory, installed, python)
        return zipped(installed, directory)


def _install(directory: Path, target: Path, python: str) -> None:
    # Without bytecode, which holds dates. Lambda finds no scripts in a package: pip's warnings about them are noise.
    options = ["--disable-pip-version-check", "--no-input", "--no-compile", "--no-warn-script-location"]
    command = [python, "-m", "pip", "install", *options, "--target", str(target), "--requirement", REQUIREMENTS]
    # What pip says is progress, so it goes where progress goes.
    if subprocess.run(command, cwd=directory, stdout=2, check=False).returncode:  # noqa: S603 - the checkout's pip
        raise CommandError(
            f"pip could not install {directory / REQUIREMENTS}", "read what pip says above, and correct it"
        )


def zipped(*folders: Path) -> bytes:
    """The same bytes for the same files, whatever their dates and their order on disk; a later folder's file wins."""
    files = {name: file for folder in folders for name, file in _files(folder)}
    size = sum(file.stat().st_size for file in files.values())
    if size > LIMIT_BYTES:
        raise CommandError(
            f"The package would have {size // 2**20} MB, and Lambda takes {LIMIT_BYTES // 2**20}",
            "move what the function does not need out of the folder",
        )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if os.access(file, os.X_OK) else 0o644) << 16
            archive.writestr(entry, file.read_bytes())
    return buffer.getvalue()


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    # Links are followed, as `zip -r` does; one that leads to where the walk has been would be followed for ever.
    seen: set[Path] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        here = Path(parent)
        seen.add(here.resolve())
        folders[:] = [each for each in folders if _is_code(each) and (here / each).resolve() not in seen]
        for name in names:
            file = here / name
            if file.is_file() and _is_code(name) and file.suffix != ".pyc":
                yield file.relative_to(folder).as_posix(), file


def _is_code(name: str) -> bool:
    return name not in LEFT_OUT and _OF_RUNS.fullmatch(name) is None
