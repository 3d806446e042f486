"""The CDK's command line is the pinned one, run by the pinned Node, for the account that was asked for."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra import ROOT, bundle
from infra.aws.cdk_cli import ASSEMBLY, PINNED, CdkCli
from infra.aws.target import Target
from infra.bundle import BundleError
from infra.node import node, npm

TARGET = Target("Acme", "123456789012", "aws", "eu-west-1", "acme-admin", lambda _: None)


class Processes:
    def __init__(self) -> None:
        self.started: list[tuple[list[str], dict[str, str]]] = []
        self.status = 0

    def __call__(self, command: list[str], *, env: dict[str, str], **named: Any) -> Any:
        self.started.append((command, env))
        assert named["check"] is False
        return subprocess.CompletedProcess(command, self.status)


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Processes:
    fake = Processes()
    monkeypatch.setattr(bundle, "BUILD", tmp_path)
    monkeypatch.setattr(subprocess, "run", fake)
    return fake


def test_the_lock_names_one_version_by_its_hash_and_no_registry() -> None:
    package, lock = (json.loads(file.read_text()) for file in PINNED)
    (version,) = package["dependencies"].values()
    assert version[0].isdigit()
    locked = {name: each for name, each in lock["packages"].items() if name}
    assert locked["node_modules/aws-cdk"]["version"] == version
    assert all(each["integrity"].startswith("sha512-") for each in locked.values())
    assert "resolved" not in PINNED[1].read_text()
    assert "://" not in PINNED[1].read_text()


def test_it_is_installed_once_from_the_lock_and_without_scripts(processes: Processes) -> None:
    CdkCli(TARGET)
    CdkCli(TARGET)
    ((command, environment),) = processes.started
    assert command[:3] == [str(node()), str(npm()), "ci"]
    assert "--ignore-scripts" in command
    assert environment["PATH"].split(os.pathsep)[0] == str(node().parent)


def test_an_installation_that_fails_is_told_of_and_tried_again(processes: Processes) -> None:
    processes.status = 1
    with pytest.raises(BundleError, match="npm could not install"):
        CdkCli(TARGET)
    processes.status = 0
    CdkCli(TARGET)
    assert len(processes.started) == 2


def test_what_is_synthesised_once_is_what_later_commands_take(processes: Processes) -> None:
    cli = CdkCli(TARGET)
    assert cli.synthesise()
    assert cli("deploy", "Acme", "--require-approval", "never")
    synth, deploy = (command for command, _ in processes.started[1:])
    assert synth[synth.index("--output") + 1] == deploy[deploy.index("--app") + 1] == str(ASSEMBLY)
    assert synth[synth.index("--app") + 1] == f"{sys.executable} -m infra.app"
    assert synth[synth.index("--context") + 1] == "stackName=Acme"
    assert deploy[2:6] == ["deploy", "Acme", "--require-approval", "never"]


def test_it_works_with_the_profile_and_in_the_region_that_were_named(processes: Processes) -> None:
    CdkCli(TARGET)("diff", "Acme")
    command, environment = processes.started[-1]
    assert command[command.index("--profile") + 1] == "acme-admin"
    assert environment["AWS_REGION"] == "eu-west-1"
    assert environment["JSII_NODE"] == str(node())


def test_its_failure_is_told(processes: Processes) -> None:
    cli = CdkCli(TARGET)
    processes.status = 1
    assert not cli("deploy", "Acme")


def test_the_stack_has_the_name_that_the_context_gives_it(tmp_path: Path) -> None:
    """The option --stack is this key of the context."""
    context = json.dumps({"local": True, "stackName": "Acme"})
    environment = {**os.environ, "CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-m", "infra.app"], cwd=ROOT, env=environment, check=True)
    template = json.loads((tmp_path / "Acme.template.json").read_text())
    names = {
        each["Properties"]["FunctionName"]
        for each in template["Resources"].values()
        if each["Type"] == "AWS::Lambda::Function"
    }
    assert all(name.startswith("Acme-") for name in names)
