"""The bundle for this machine's platform, assembled without the network from what is installed here."""

import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

from infra.bundle import LAYER_ROOT, LOCK, build_code, compile_all

HANDLERS = Path(__file__).parents[2] / "handlers"
ENTRY_POINTS = sorted(file.stem for file in HANDLERS.glob("*.py") if "def lambda_handler(" in file.read_text())
LOCKED = re.findall(r"^([\w.-]+)==([\w.]+)", LOCK.read_text(), re.MULTILINE)
RUNTIME_CLIENT = ("awslambdaric", "simplejson", "snapshot-restore-py")
_SCRIPT = Path(__file__).with_name("isolated.py")


class Bundle(NamedTuple):
    code: Path
    layer: Path
    runtime: Path

    def start(
        self, *arguments: str, environment: dict[str, str] | None = None, log: int = subprocess.PIPE
    ) -> "Process":
        """An interpreter that finds the standard library, our code and the layer, and nothing of this environment."""
        paths = [str(path) for path in (self.code, self.layer / "python", self.runtime)]
        command = [sys.executable, "-I", "-S", str(_SCRIPT), *paths, *arguments]
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH") if name in os.environ}
        return subprocess.Popen(command, env=kept | (environment or {}), stdout=subprocess.PIPE, stderr=log, text=True)


Process = subprocess.Popen[str]


def assemble(directory: Path) -> Bundle:
    """Our code as it is shipped; the locked dependencies as links to the installed ones, compiled as the layer is."""
    layer, runtime = directory / "layer", directory / "runtime"
    for name, version in LOCKED:
        assert distribution(name).version == version, f"{name} is not installed as it is locked"
        _link(name, layer / "python")
    compile_all(layer, LAYER_ROOT)
    if sys.platform == "linux":
        for name in RUNTIME_CLIENT:
            _link(name, runtime)
    return Bundle(build_code(), layer, runtime)


def _link(name: str, target: Path) -> None:
    for file in distribution(name).files or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            link = target / file
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.locate())
