"""What is shipped to Lambda: our own code, and the locked dependencies as a layer, both with their bytecode.

/var/task and /opt are read-only there: without bytecode every cold start would compile some 700 modules again. It is of
the unchecked kind (PEP 552), so that no date of a file matters, and the same sources give the same bytes: the asset's
hash changes with its content only.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from infra import ROOT

BUILD = ROOT / "build"
LOCK = ROOT / "requirements" / "lambda.txt"
CODE_ROOT, LAYER_ROOT = "/var/task", "/opt"
# Every Lambda runtime loads these, Amazon Linux 2 (Python 3.11) included: its glibc is too old for manylinux_2_28.
PLATFORM = "manylinux2014_aarch64"
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# Console scripts name this machine's interpreter, and these files record how and from where pip has installed.
_OF_THE_INSTALLATION = ("python/bin", *(f"python/*.dist-info/{name}" for name in ("RECORD", "REQUESTED", "INSTALLER")))


class BundleError(RuntimeError):
    """The bundle could not be built."""


def build_code() -> Path:
    """The directory of our own code, built once for each state of it. Raises BundleError."""
    sources = sorted((ROOT / "handlers").rglob("*.py"))

    def fill(directory: Path) -> None:
        for source in sources:
            copy = directory / source.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
        compile_all(directory, CODE_ROOT)

    names = (str(source.relative_to(ROOT)).encode() for source in sources)
    return build_once("code", [*names, *(source.read_bytes() for source in sources)], fill)


def build_layer() -> Path:
    """The layer's directory, built once per lock file. Needs the package index. Raises BundleError."""

    def fill(directory: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        locked = ["--require-hashes", "--no-deps", "--requirement", str(LOCK), "--target", str(directory / "python")]
        wheels = ["--only-binary", ":all:", "--python-version", _PYTHON, "--implementation", "cp"]
        if subprocess.run([*pip, *locked, *wheels, "--platform", PLATFORM], check=False).returncode != 0:  # noqa: S603
            raise BundleError(f"The dependencies could not be installed for Python {_PYTHON} on {PLATFORM}: see above.")
        for path in (each for pattern in _OF_THE_INSTALLATION for each in directory.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        compile_all(directory, LAYER_ROOT)

    return build_once("layer", [LOCK.read_bytes()], fill)


def compile_all(directory: Path, root: str) -> None:
    """Bytecode beside each source, in which its path is what it will be below `root`. Raises BundleError."""
    options = ["--invalidation-mode", "unchecked-hash", "-q", "-f", "-s", str(directory), "-p", root, "-j", "1"]
    # A fresh interpreter, because marshal's output depends on which strings are in use; -S, because a .pth file of
    # the environment could import anything. Hash randomization would shuffle the constants of sets.
    command = [sys.executable, "-s", "-S", "-m", "compileall", *options, str(directory)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = kept | {"PYTHONHASHSEED": "0"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if run.returncode != 0:
        raise BundleError(f"Not everything in {directory} could be compiled:\n{run.stdout}{run.stderr}")


def build_once(name: str, inputs: Iterable[bytes], fill: Callable[[Path], None]) -> Path:
    """The directory that `fill` makes of these inputs, with this Python: built once, and whole or not there."""
    digest = hashlib.sha256(b"\0".join([sys.version.encode(), Path(__file__).read_bytes(), *inputs])).hexdigest()
    directory = BUILD / f"{name}-{digest[:16]}"
    if not directory.exists():
        BUILD.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=BUILD, prefix=f"{name}-unfinished-") as unfinished:
            content = Path(unfinished) / "content"
            content.mkdir()
            fill(content)
            try:
                content.rename(directory)
            except OSError:
                if not directory.exists():
                    raise  # else another process has built the same meanwhile
    return directory
