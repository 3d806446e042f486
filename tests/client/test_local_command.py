"""`fnrun local …` becomes the checkout's own program, or says what is missing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from fnrun.connection import local_stack
from fnrun.connection.checkouts import register
from fnrun.errors import Exit

from tests.client.cli import Fnrun


@pytest.fixture
def checkout(fnrun: Fnrun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only one that is found; a stack has been started there."""
    checkout = tmp_path / "checkout"
    (checkout / "infra" / "local").mkdir(parents=True)
    (checkout / "infra" / "local" / "__main__.py").touch()
    (checkout / ".local").mkdir()
    (checkout / ".local" / "stack.json").touch()
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").touch()
    monkeypatch.setattr(local_stack, "checkouts", lambda: iter([tmp_path, checkout]))
    monkeypatch.chdir(tmp_path)
    register(checkout)
    return checkout


@pytest.fixture
def became(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The programs that the process would have become, each with its directory."""
    became: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda _, command: became.append((command, Path.cwd())))
    return became


@pytest.mark.parametrize(
    ("typed", "arguments"),
    [
        (["up"], ["up"]),
        (["down"], ["down"]),
        (["demo"], ["demo"]),
        (["logs", "--once"], ["logs", "--once"]),
        (["token"], ["token", "--subject", "alice"]),
        (
            ["token", "--grant", "acme/a:b", "--grant", "acme/c:d", "--subject", "bob"],
            ["token", "--subject", "bob", "--grant", "acme/a:b", "--grant", "acme/c:d"],
        ),
    ],
)
def test_it_becomes_the_program_of_the_checkout(
    typed: list[str], arguments: list[str], fnrun: Fnrun, checkout: Path, became: list[Any]
) -> None:
    assert fnrun("local", *typed).code == 0
    python = str(checkout / ".venv" / "bin" / "python")
    assert became == [([python, "-m", "infra.local", *arguments], checkout)]


@pytest.mark.parametrize("typed", [["logs"], ["token"]])
def test_what_needs_a_stack_says_that_nothing_is_up(
    typed: list[str], fnrun: Fnrun, checkout: Path, became: list[Any]
) -> None:
    (checkout / ".local" / "stack.json").unlink()
    ended = fnrun("local", *typed)
    assert (ended.code, ended.stdout, became) == (Exit.NOT_REACHED, "", [])
    assert ended.stderr.startswith(f"fnrun: No local stack is up in {checkout}. Next: ")
    assert json.loads(fnrun("local", *typed, "-o", "json").stderr)["error"]["exitCode"] == Exit.NOT_REACHED


def test_what_is_no_grant_is_a_wrong_command_line(fnrun: Fnrun, checkout: Path, became: list[Any]) -> None:
    ended = fnrun("local", "token", "--grant", "bad")
    assert (ended.code, ended.stdout, became) == (Exit.USAGE, "", [])
    assert ended.stderr.startswith("fnrun: 'bad' is not a grant. Next: ")


def test_without_a_virtual_environment_it_says_how_to_install_one(
    fnrun: Fnrun, checkout: Path, became: list[Any]
) -> None:
    (checkout / ".venv" / "bin" / "python").unlink()
    ended = fnrun("local", "up")
    assert (ended.code, ended.stdout, became) == (Exit.USAGE, "", [])
    assert ended.stderr == f"fnrun: {checkout} is not installed. Next: make -C {checkout} install\n"


@pytest.mark.parametrize("typed", [["up"], ["token"], ["deploy", ".", "--handler", "app.handler", "--name", "mine"]])
def test_without_a_checkout_it_says_what_to_do(
    typed: list[str], fnrun: Fnrun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_stack, "checkouts", lambda: iter([tmp_path]))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    ended = fnrun("local", *typed)
    assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (Exit.NOT_REACHED, "", 1)
    assert "Next: " in ended.stderr


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--runtime", "nodejs22.x"], "in Python only"),
        (["--handler", "app.absent"], "has no function 'absent'"),
        (["--env", "S3CRET"], "--env is not NAME=VALUE"),
        (["--timeout", "901"], "'--timeout'"),
        (["--memory", "1"], "'--memory'"),
        (["--name", "my orders"], "'my orders' cannot be the name"),
    ],
)
def test_what_lambda_or_the_emulator_would_not_take_is_a_wrong_command_line(
    more: list[str], message: str, fnrun: Fnrun, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text("def handler(event, context): ...\n")
    ended = fnrun("local", "deploy", str(tmp_path), "--handler", "app.handler", *more)
    assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (Exit.USAGE, "", 1)
    assert message in ended.stderr
    assert "S3CRET" not in ended.stderr
