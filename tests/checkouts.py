"""A directory like the repository after `make up`, with a stack that belongs to the tests."""

import json
import os
import subprocess
import sys
from pathlib import Path

from fnrun.connection.checkouts import FILE

from infra import ROOT
from infra.local.local_stack import LocalStack

CONFIG = "config"
"""The folder of fnrun's settings in it."""


def a_checkout(directory: Path, local_stack: LocalStack) -> Path:
    for folder in ("client", "docs", "handlers", "infra"):
        (directory / folder).symlink_to(ROOT / folder)
    (directory / ".venv").symlink_to(sys.prefix)
    (directory / ".local").symlink_to(local_stack.emulator.directory)
    confirm(directory)
    return directory


def confirm(directory: Path) -> None:
    """As `make up` does, so that any fnrun may use it."""
    (directory / CONFIG).mkdir()
    (directory / CONFIG / FILE).write_text(json.dumps([str(directory.resolve())]))


def environment(checkout: Path, **variables: str) -> dict[str, str]:
    """Of somebody who has used `fnrun` nowhere yet."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "FNRUN_", "PYTEST_"))}
    # The `fnrun` of .venv may be another tree's.
    own = {"FNRUN_CONFIG_DIR": str(checkout / CONFIG), "PYTHONPATH": str(ROOT / "client")}
    return {**kept, **own, "PATH": f"{checkout / '.venv' / 'bin'}:{kept['PATH']}", **variables}


def fnrun(checkout: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "fnrun", *arguments],
        cwd=checkout, env=environment(checkout, **variables), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        check=False, timeout=180,
    )  # fmt: skip
