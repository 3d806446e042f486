import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fnrun.connection.checkouts import is_confirmed
from typer.testing import CliRunner

from handlers.domain.identity import is_grant
from infra.local import cli, tokens
from infra.local.cli import app
from infra.local.emulator.process import Emulator
from infra.local.local_stack import LocalStack, stop_leftover
from infra.local_connection import NotUpError


def test_with_nothing_up_a_token_says_what_to_do(directory: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "infra.local", "token", "--grant", "acme/function-runs:read", "--directory", directory],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (5, "")
    assert "make up" in ran.stderr
    with pytest.raises(NotUpError):
        LocalStack.load(directory)


def test_down_with_nothing_up_says_so(directory: Path) -> None:
    ran = CliRunner().invoke(app, ["down", "--directory", str(directory)])
    assert (ran.exit_code, "Nothing is up" in ran.stdout) == (0, True)


def test_the_token_of_the_command_line_is_for_its_owner_only_and_goes_with_the_stack(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "mint", lambda *_, **more: f"a token for {more['lifetime_seconds']} s")
    directory.mkdir()
    stack = LocalStack(
        emulator=Emulator(directory), api_url="", outputs={}, samples={}, user_pool_id="pool", client_id="client"
    )
    before = os.umask(0)
    try:
        stack.leave_token("alice", ["acme/*:*"], lifetime_seconds=60)
        stack.leave_token("alice", ["acme/*:*"], lifetime_seconds=3600)  # a second `make up` renews it
    finally:
        os.umask(before)
    [file] = directory.iterdir()
    assert (file.name, file.stat().st_mode & 0o777) == ("token.json", 0o600)
    left = json.loads(file.read_text())
    assert left["accessToken"] == "a token for 3600 s"
    lifetime = datetime.fromisoformat(left["expiresAt"]) - datetime.now(UTC)
    assert timedelta(minutes=59) < lifetime <= timedelta(hours=1)
    (directory / "stack.json").write_text(json.dumps({"port": 1, "pid": os.getpid()}))
    stop_leftover(directory)
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize(("more", "is_confirmed_then"), [([], True), (["--directory", "elsewhere"], False)])
def test_an_fnrun_that_is_installed_elsewhere_may_use_the_checkout_that_is_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, more: list[str], is_confirmed_then: bool
) -> None:
    stack = LocalStack(
        emulator=Emulator(tmp_path), api_url="", outputs={}, samples={}, user_pool_id="pool", client_id="client"
    )
    monkeypatch.setattr(cli, "bring_up", lambda *_, **_more: stack)
    monkeypatch.setattr(tokens, "mint", lambda *_, **_more: "a token")
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["up", *more]).exit_code == 0
    assert is_confirmed(tmp_path) is is_confirmed_then


@pytest.mark.parametrize(
    "grant", ["acme", "acme/function-runs", "*/function-runs:read", "/x:y", "acme/x:", "acme/x:y z"]
)
def test_a_grant_that_does_not_look_like_one_is_refused_with_a_hint(grant: str, directory: Path) -> None:
    ran = CliRunner().invoke(app, ["token", "--grant", grant, "--directory", str(directory)])
    assert ran.exit_code == 2
    assert "workspace/resource:action" in ran.output


@pytest.mark.parametrize(
    "grant", ["acme/function-triggers:execute", "my-workspace/*:read", "acme/function-runs:*", "a1/*:*"]
)
def test_grants_with_and_without_stars_are_taken(grant: str) -> None:
    assert is_grant(grant)
