"""`fnrun local deploy` on the emulator, as in the README: without a token, a profile or a setting."""

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from infra.local.local_stack import LocalStack
from tests.checkouts import a_checkout, fnrun
from tests.stack.driver import TeamFunction, Workspace

ACME = "acme"


class Folder:
    """A function of somebody's own, in a checkout that is up."""

    def __init__(self, checkout: Path, local_stack: LocalStack) -> None:
        self.checkout, self.local_stack = checkout, local_stack
        self.name = f"mine-{uuid4().hex[:8]}"
        self.code = checkout / self.name
        self.code.mkdir()

    def says(self, value: str) -> None:
        lines = ["import os", "from words import WORD", "def handler(event, context):"]
        returned = f'{{"event": event, "says": {value!r}, "word": WORD, "greeting": os.environ.get("GREETING")}}'
        (self.code / "app.py").write_text("\n".join([*lines, f"    return {returned}\n"]))

    def depends_on_words(self) -> None:
        """On a package that only its requirements name: a wheel beside it, so that nothing is downloaded."""
        wheel, info = "words-1-py3-none-any.whl", "words-1.dist-info"
        with zipfile.ZipFile(self.checkout / wheel, "w") as archive:
            archive.writestr("words.py", "WORD = 'good'\n")
            archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: words\nVersion: 1\n")
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            archive.writestr(f"{info}/RECORD", "")
        (self.code / "requirements.txt").write_text(f"../{wheel}\n")

    def deploy(self, *more: str) -> "subprocess.CompletedProcess[str]":
        return fnrun(self.checkout, "local", "deploy", self.name, "--handler", "app.handler", *more)

    def deployed(self, *more: str) -> Any:
        done = self.deploy(*more, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def configuration(self) -> Any:
        return self.local_stack.client("lambda").get_function(FunctionName=self.name)["Configuration"]


@pytest.fixture
def folder(tmp_path: Path, local_stack: LocalStack) -> Folder:
    return Folder(a_checkout(tmp_path, local_stack), local_stack)


@pytest.fixture
def acme(workspace: Workspace) -> Workspace:
    """The workspace of a newcomer."""
    workspace.name = ACME
    return workspace


def test_a_folder_becomes_a_function_whose_runs_keep_the_code_that_they_executed(
    folder: Folder, acme: Workspace
) -> None:
    folder.depends_on_words()
    folder.says("one")
    first = folder.deployed("--env", "GREETING=hello", "--timeout", "7")
    assert first["change"] == "created"
    assert folder.configuration()["Role"].endswith(f":role/fnrun-local/{folder.name}")
    run = acme.execute(first["triggerId"], payload={"n": 1})
    result = {"event": {"n": 1}, "says": "one", "word": "good", "greeting": "hello"}
    assert acme.ended(run, "result")["result"] == result

    folder.says("two")
    second = folder.deployed()
    assert second == first | {"change": "updated"}
    assert (folder.configuration()["Timeout"], folder.configuration()["MemorySize"]) == (7, 128)
    assert acme.ended(acme.rerun(run), "result")["result"] == result
    latest = acme.ended(acme.rerun(run, useLatestCode=True), "result")["result"]
    assert latest == result | {"says": "two"}

    assert folder.deployed() == first | {"change": "unchanged"}


def test_what_an_interrupted_deployment_has_left_is_completed_by_the_same_command(
    folder: Folder, acme: Workspace
) -> None:
    (folder.code / "app.py").write_text("def handler(event, context):\n    return 1\n")
    # As if it had ended after the role, then after the function, then after the registration.
    iam = folder.local_stack.client("iam")
    iam.create_role(RoleName=folder.name, Path="/fnrun-local/", AssumeRolePolicyDocument="{}")
    deployed = folder.deployed()
    assert deployed["change"] == "created"
    for lost in (("function-triggers", "compute-functions"), ("function-triggers",)):
        for kind in lost:
            id_ = deployed["triggerId" if kind == "function-triggers" else "functionId"]
            assert acme.http.delete(f"/{kind}/{id_}").status_code == 200
        deployed = folder.deployed()
        assert deployed["change"] == "unchanged"
    assert acme.ended(acme.execute(deployed["triggerId"]), "result")["result"] == 1


def test_functions_and_names_of_others_are_left_alone(folder: Folder, acme: Workspace) -> None:
    (folder.code / "app.py").write_text("def handler(event, context):\n    return 1\n")
    theirs = TeamFunction(folder.local_stack).deploy("def handler(event, context):\n    return 2\n")
    refused = folder.deploy("--name", theirs.name)
    assert (refused.returncode, refused.stdout) == (3, "")
    assert refused.stderr.endswith(
        f"fnrun: The local stack has a function '{theirs.name}' that fnrun did not make. Next: add another --name\n"
    )
    acme.trigger(acme.register(theirs), name=folder.name)
    refused = folder.deploy()
    assert refused.returncode == 3
    assert f"The workspace has another trigger named '{folder.name}'" in refused.stderr.splitlines()[-1]
