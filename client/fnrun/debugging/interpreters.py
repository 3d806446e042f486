"""The Python that can call a function here: of its runtime's version, on this machine's architecture."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from fnrun.debugging.function_version import FunctionVersion

_PYTHON = re.compile(r"python(3\.\d+)")
_ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
_ASK_SECONDS = 20


def interpreter_for(version: FunctionVersion) -> Path | str:
    """The interpreter, or why the function cannot be called here."""
    found = _PYTHON.fullmatch(version.runtime)
    if found is None:
        return f"its runtime is {version.runtime}"
    if os.name != "posix":
        return "this is neither Linux nor macOS"
    here = _ARCHITECTURES.get(platform.machine().lower(), platform.machine())
    if here != version.architecture:
        return f"it is built for {version.architecture}, and this machine is {here}"
    wanted = found[1]
    if wanted == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    folders = map(Path, os.get_exec_path())
    candidates = (folder / f"python{wanted}" for folder in folders)
    return next((each for each in candidates if _is_python(each, wanted)), f"there is no Python {wanted} here")


def imports(python: Path, module: str) -> bool:
    return _says(python, f"import {module}") is not None


def _is_python(candidate: Path, wanted: str) -> bool:
    """What has that name may be a stand-in for a Python that is not installed."""
    return (
        os.access(candidate, os.X_OK)
        and _says(candidate, "import sys; print('%d.%d' % sys.version_info[:2])") == wanted
    )


def _says(python: Path, script: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - an interpreter of the caller's own search path
            [str(python), "-I", "-c", script], capture_output=True, text=True, timeout=_ASK_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def is_compiled_for_linux(*folders: Path) -> bool:
    return any(".so" in file.suffixes for folder in folders for file in folder.rglob("*.so*"))
