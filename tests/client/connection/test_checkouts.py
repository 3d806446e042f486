"""A checkout that lies around the current directory has no program run, and is sent nothing, unless its user has said so."""

import importlib.metadata
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fnrun.connection import checkouts
from fnrun.connection.addresses import is_loopback
from fnrun.connection.checkouts import is_confirmed, register
from fnrun.errors import Exit

from tests.client.cli import Fnrun
from tests.client.connection.conftest import MakeToken
from tests.client.server import Api

REFUSED = "You have started no stack in {}, so nothing of it is run and nothing is sent to it. Next: if you trust it, run fnrun local up there"


@pytest.fixture
def cloned(fnrun: Fnrun, api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_token: MakeToken) -> Path:
    """A repository that brings all that a started checkout has, below which its user works."""
    found = tmp_path / "cloned"
    for folder in (".local", ".venv/bin", "infra/local", "src"):
        (found / folder).mkdir(parents=True)
    (found / "infra" / "local" / "__main__.py").touch()
    described = {"apiUrl": api.url, "awsEndpointUrl": api.url, "region": "us-east-1", "outputs": {}, "samples": {}}
    (found / ".local" / "stack.json").write_text(json.dumps(described))
    (found / ".local" / "token.json").write_text(json.dumps({"accessToken": make_token(expires_in=-5)}))
    program = found / ".venv" / "bin" / "python"
    program.write_text(f"#!{sys.executable}\nopen({str(found / 'RAN')!r}, 'w')\n")
    program.chmod(0o755)
    monkeypatch.setattr(os, "execv", lambda *_: (found / "RAN").touch())
    monkeypatch.chdir(found / "src")
    return found


COMMANDS = [
    "runs list", "whoami", "doctor", "execute orders", "runs list --profile local", "open 1111",
    "local up", "local down", "local logs", "local token", "local demo",
]  # fmt: skip


@pytest.mark.parametrize("typed", COMMANDS)
def test_nothing_of_a_cloned_one_is_run_or_called(fnrun: Fnrun, cloned: Path, api: Api, typed: str) -> None:
    ended = fnrun(*typed.split())
    assert (ended.code, ended.stdout) == (Exit.NOT_PERMITTED, "")
    assert ended.stderr == f"fnrun: {REFUSED.format(cloned)}\n"
    assert not (cloned / "RAN").exists()
    assert api.requests == []


def test_it_is_no_profile_and_its_address_has_no_token(
    fnrun: Fnrun, cloned: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fnrun("profiles", "list", "-o", "json").document == []
    monkeypatch.setenv("FNRUN_URL", api.url)
    monkeypatch.setenv("FNRUN_WORKSPACE", "acme")
    assert "Nobody is logged in" in fnrun("runs", "list").stderr
    assert not (cloned / "RAN").exists()
    assert api.requests == []


def test_the_stack_of_another_checkout_is_not_used_instead(
    fnrun: Fnrun, cloned: Path, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cloned / "src" / ".local").symlink_to(checkout / ".local")
    monkeypatch.chdir(cloned / "src")
    assert fnrun("whoami").stderr == f"fnrun: {REFUSED.format(cloned / 'src')}\n"


def test_who_starts_the_stack_there_has_confirmed_it(
    fnrun: Fnrun, cloned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    became: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda _, command: became.append(command[1:]))
    monkeypatch.chdir(cloned)
    assert fnrun("local", "up").code == Exit.DONE
    monkeypatch.chdir(cloned / "src")
    assert fnrun("local", "logs").code == Exit.DONE
    assert became == [["-m", "infra.local", "up"], ["-m", "infra.local", "logs"]]
    [row] = fnrun("profiles", "list", "-o", "json").document
    assert row["name"] == "local"


def test_a_settings_folder_that_cannot_be_written_is_one_line(
    fnrun: Fnrun, cloned: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "file" / "config"))
    monkeypatch.chdir(cloned)
    ended = fnrun("local", "up")
    assert (ended.code, len(ended.stderr.splitlines())) == (Exit.USAGE, 1)
    assert "FNRUN_CONFIG_DIR" in ended.stderr


@pytest.mark.parametrize("kept", ["", "[", "{}", "3", "[3, null]"])
def test_a_file_that_is_not_understood_confirms_nothing(fnrun: Fnrun, cloned: Path, tmp_path: Path, kept: str) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / checkouts.FILE).write_text(kept)
    assert not is_confirmed(cloned)
    register(cloned)
    assert is_confirmed(cloned)


def test_what_is_gone_is_forgotten_when_another_is_added(fnrun: Fnrun, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        register(tmp_path / name)
        register(tmp_path / name)
        if name == "one":
            (tmp_path / name).rmdir()
    assert json.loads((tmp_path / "config" / checkouts.FILE).read_text()) == [
        str(tmp_path / name) for name in ("two", "three")
    ]


@pytest.mark.parametrize(
    ("described", "is_source"),
    [
        ({"url": "file://{}/client", "dir_info": {"editable": True}}, True),
        ({"url": "file://{}/client", "dir_info": {}}, True),
        ({"url": "file://{}/fnrun.whl", "archive_info": {}}, False),
        ({"url": "https://example.com{}/client", "dir_info": {}}, False),
        ({}, False),
    ],
)
def test_the_one_that_fnrun_was_installed_from_is_found_and_confirmed_from_any_directory(
    described: dict[str, Any], is_source: bool, fnrun: Fnrun, cloned: Path, *, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(described).replace("{}", str(cloned), 1) if described else "{}"
    monkeypatch.setattr(importlib.metadata, "distribution", lambda _: SimpleNamespace(read_text=lambda _: text))
    monkeypatch.chdir("/")
    assert is_confirmed(cloned) is is_source
    assert (fnrun("profiles", "list", "-o", "json").document != []) is is_source


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example.com",
        "http://127.0.0.1@evil.example.com",
        "http://127.0.0.1:4566@evil.example.com/",
        "http://127.0.0.1.evil.example.com",
        "http://127.0.0.1\\@evil.example.com",
        "http://localhost.evil.example.com",
        "http://evil.example.com#@127.0.0.1",
        "http://0.0.0.0",
        "//evil.example.com",
        "http://[",
        "",
    ],
)
@pytest.mark.parametrize("name", ["apiUrl", "awsEndpointUrl"])
def test_a_stack_elsewhere_is_no_local_one(fnrun: Fnrun, checkout: Path, url: str, name: str) -> None:
    file = checkout / ".local" / "stack.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {name: url}))
    ended = fnrun("whoami")
    assert ended.code == Exit.NOT_PERMITTED
    assert "No stack is known" in ended.stderr


def test_this_machine_has_several_names() -> None:
    assert [each for each in ("http://127.0.0.1:1", "http://[::1]", "http://localhost") if not is_loopback(each)] == []
