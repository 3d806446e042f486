"""A person's machine: a checkout with the local stack, a browser in which they log in, and no keyring."""

import json
import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra import ROOT
from infra.local.local_stack import LocalStack
from tests.checkouts import CONFIG, confirm


@dataclass(frozen=True)
class Machine:
    folder: Path
    environment: dict[str, str]

    @classmethod
    def of(cls, folder: Path, local_stack: LocalStack, name: str, password: str) -> Self:
        """Whoever sits there logs in with this name and password."""
        (folder / ".local").symlink_to(local_stack.emulator.directory)
        confirm(folder)
        filling_in = shlex.join([sys.executable, "-m", "tests.stack.hosted_pages"])
        _write_program(folder / "browser", f'cd {shlex.quote(str(ROOT))} && exec {filling_in} "$1" {name} {password}')
        kept = {each: os.environ[each] for each in ("PATH", "HOME") if each in os.environ}
        own = {
            "PYTHONPATH": str(ROOT / "client"),
            "FNRUN_CONFIG_DIR": str(folder / CONFIG),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "BROWSER": str(folder / "browser"),
        }
        return cls(folder, kept | own)

    def fnrun(self, *arguments: str, sent: str = "") -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "-m", "fnrun", *arguments], sent)

    def shell(self, script: str, *, fnrun: str) -> subprocess.CompletedProcess[str]:
        """`fnrun`: what is done where the script says so; `$FNRUN "$@"` calls it."""
        programs = self.folder / "bin"
        programs.mkdir()
        _write_program(programs / "fnrun", f"FNRUN={shlex.quote(f'{sys.executable} -m fnrun')}\n{fnrun}")
        machine = Machine(self.folder, self.environment | {"PATH": f"{programs}:{self.environment['PATH']}"})
        return machine._run(["bash", "-u"], script)

    def _run(self, command: list[str], sent: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            input=sent,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    @property
    def token_file(self) -> Path:
        return self.folder / "config" / "tokens.json"

    def tokens(self) -> dict[str, Any]:
        """Of the one login."""
        [text] = json.loads(self.token_file.read_text()).values()
        found: dict[str, Any] = json.loads(text)
        return found


def _write_program(file: Path, script: str) -> None:
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
