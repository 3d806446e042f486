"""Functions that cannot be called here: why, and the lines for AWS's images."""

import base64
import json
import os
import shlex
import sys
from pathlib import Path

import pytest
from fnrun.debugging.docker import docker_lines, image_of
from fnrun.debugging.interpreters import imports, interpreter_for, is_compiled_for_linux
from fnrun.errors import CommandError

from tests.client.debugging.calling import CUSTOM, a_version

PYTHON = f"python3.{sys.version_info.minor}"


@pytest.mark.parametrize(
    ("runtime", "image"),
    [
        ("python3.13", "python:3.13"),
        ("nodejs22.x", "nodejs:22"),
        ("java8.al2", "java:8.al2"),
        ("java21", "java:21"),
        ("ruby3.4", "ruby:3.4"),
        ("dotnet8", "dotnet:8"),
        ("provided.al2023", "provided:al2023"),
    ],
)
def test_each_runtime_has_its_image(runtime: str, image: str) -> None:
    assert image_of(runtime) == f"public.ecr.aws/lambda/{image}"


def test_a_runtime_without_an_image_is_said() -> None:
    with pytest.raises(CommandError, match="no image for the runtime cobol"):
        image_of("cobol")


def test_the_lines_mount_the_folder_and_hold_no_parameters(tmp_path: Path) -> None:
    version = a_version(
        runtime="nodejs22.x", architecture="arm64", handler="index.handler", layer_arns=("arn:layer:1",)
    )
    event = tmp_path / "my event.json"
    event.write_text('"a-secret"')
    start, send = docker_lines(
        version,
        code=tmp_path / "code",
        layers=tmp_path / "layers",
        event=event,
        custom=CUSTOM,
        env_file=tmp_path / "env",
    )
    assert "a-secret" not in start + send
    words = shlex.split(start)
    assert words[:3] == ["docker", "run", "--rm"]
    assert words[-2:] == ["public.ecr.aws/lambda/nodejs:22", "index.handler"]
    assert {
        "--publish=127.0.0.1:9000:8080",
        "--platform=linux/arm64",
        f"--volume={tmp_path}/code:/var/task:ro",
        f"--volume={tmp_path}/layers:/opt:ro",
        f"--env-file={tmp_path}/env",
        "--env=AWS_LAMBDA_FUNCTION_TIMEOUT=20",
    } <= set(words)
    header, data = shlex.split(send)[3], shlex.split(send)[5]
    assert data == f"@{event}"
    assert json.loads(base64.b64decode(header.partition(": ")[2])) == {"custom": CUSTOM}


def test_the_bootstrap_of_a_runtime_of_one_s_own_is_where_its_image_looks_for_it(tmp_path: Path) -> None:
    start, _ = docker_lines(
        a_version(runtime="provided.al2023"), code=tmp_path, layers=tmp_path, event=tmp_path, custom={}
    )
    assert f"--volume={tmp_path}:/var/runtime:ro" in shlex.split(start)
    assert not any(":/opt" in word for word in shlex.split(start))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("runtime", "architecture", "reason"),
    [
        ("nodejs22.x", "x86_64", "its runtime is nodejs22.x"),
        ("python2.7", "x86_64", "its runtime is python2.7"),
        ("python3.99", "x86_64", "there is no Python 3.99 here"),
        (PYTHON, "arm64", "it is built for arm64, and this machine is x86_64"),
    ],
)
def test_why_a_function_is_not_called_here_is_said(runtime: str, architecture: str, reason: str) -> None:
    assert interpreter_for(a_version(runtime=runtime, architecture=architecture)) == reason


@pytest.mark.usefixtures("machine")
def test_its_python_is_our_own_or_one_of_the_search_path_that_is_really_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert interpreter_for(a_version(runtime=PYTHON)) == Path(sys.executable)
    standing_in, other = tmp_path / "1" / "python3.7", tmp_path / "2" / "python3.7"
    for file, script in ((standing_in, "exit 127"), (other, "echo 3.7")):
        file.parent.mkdir()
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o700)
    monkeypatch.setenv("PATH", f"{standing_in.parent}{os.pathsep}{other.parent}{os.pathsep}{os.environ['PATH']}")
    assert interpreter_for(a_version(runtime="python3.7")) == other
    monkeypatch.setattr("platform.machine", lambda: "AMD64")
    assert interpreter_for(a_version(runtime="python3.7")) == other


def test_nothing_is_called_where_there_are_no_process_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fnrun.debugging.interpreters.os.name", "nt")
    assert interpreter_for(a_version(runtime=PYTHON)) == "this is neither Linux nor macOS"


def test_what_is_compiled_for_linux_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.sofa.py").touch()
    assert not is_compiled_for_linux(tmp_path)
    (tmp_path / "a" / "_x.cpython-313-x86_64-linux-gnu.so").touch()
    assert is_compiled_for_linux(tmp_path)


def test_whether_a_module_is_there_is_asked_of_the_interpreter() -> None:
    assert imports(Path(sys.executable), "json")
    assert not imports(Path(sys.executable), "nothing_of_that_name")
    assert not imports(Path("/nowhere/python"), "json")
