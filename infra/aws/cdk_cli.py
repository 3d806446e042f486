"""The CDK's command line, pinned by package-lock.json and run by the Node that comes from PyPI.

The lock holds hashes and no address: npm asks whatever registry it is configured for.
"""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from infra import ROOT
from infra.aws.target import Target
from infra.bundle import BUILD, BundleError, build_once
from infra.node import jsii_environment, node, npm

PINNED = [Path(__file__).parent / name for name in ("package.json", "package-lock.json")]
ASSEMBLY = BUILD / "cdk.out"
_CDK = Path("node_modules") / "aws-cdk" / "bin" / "cdk"


class Cli(Protocol):
    def synthesise(self) -> bool:
        """Makes the template that all commands after it show and deploy. Whether that succeeded."""

    def __call__(self, command: str, *arguments: str) -> bool:
        """Whether the command succeeded. What it has to say it has printed."""


class CdkCli:
    def __init__(self, target: Target) -> None:
        """Installs the CLI unless it is there. Raises BundleError or NodeMissingError."""
        self._script = build_once("cdk-cli", [file.read_bytes() for file in PINNED], _install) / _CDK
        self._target = target

    def synthesise(self) -> bool:
        app = shlex.join([sys.executable, "-m", "infra.app"])
        context = f"stackName={self._target.stack}"
        return self._run("synth", "--quiet", "--app", app, "--output", str(ASSEMBLY), "--context", context)

    def __call__(self, command: str, *arguments: str) -> bool:
        return self._run(command, *arguments, "--app", str(ASSEMBLY))

    def _run(self, *arguments: str) -> bool:
        profile = ["--profile", self._target.profile] if self._target.profile else []
        region = {"AWS_REGION": self._target.region, "CDK_DISABLE_CLI_TELEMETRY": "true"}
        environment = os.environ | jsii_environment() | region
        run = [str(node()), str(self._script), *arguments, "--no-notices", "--no-version-reporting", *profile]
        return subprocess.run(run, cwd=ROOT, env=environment, check=False).returncode == 0  # noqa: S603


def _install(directory: Path) -> None:
    for file in PINNED:
        shutil.copy(file, directory)
    command = [str(node()), str(npm()), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    environment = os.environ | {"PATH": f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    if subprocess.run(command, cwd=directory, env=environment, check=False).returncode != 0:  # noqa: S603
        raise BundleError("npm could not install the CDK's command line: see above.")
