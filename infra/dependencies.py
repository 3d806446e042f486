"""The locked dependencies as a Lambda layer, built for Lambda's platform whatever this machine is."""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "lambda.txt"


def build_layer() -> Path:
    """The layer's directory, built once per lock file. Needs the package index; raises CalledProcessError."""
    directory = ROOT / "build" / f"layer-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"
    if not directory.exists():
        unfinished = directory.with_suffix(".unfinished")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "--no-compile"]
        wheels = ["--only-binary", ":all:", "--python-version", "3.13", "--implementation", "cp"]
        platforms = ["--platform", "manylinux_2_28_aarch64", "--platform", "manylinux2014_aarch64"]
        target = ["--target", str(unfinished / "python"), "--upgrade", "-r", str(LOCK)]
        subprocess.run([*pip, *wheels, *platforms, *target], check=True)  # noqa: S603 - our own lock file
        unfinished.rename(directory)
    return directory
