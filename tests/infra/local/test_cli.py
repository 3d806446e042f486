import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handlers.domain.identity import is_grant
from infra.local.cli import app
from infra.local.local_stack import LocalStack
from infra.local_connection import NotUpError


def test_with_nothing_up_a_token_says_what_to_do(directory: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "infra.local", "token", "--grant", "acme/function-runs:read", "--directory", directory],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "make up" in ran.stderr
    with pytest.raises(NotUpError):
        LocalStack.load(directory)


def test_down_with_nothing_up_says_so(directory: Path) -> None:
    ran = CliRunner().invoke(app, ["down", "--directory", str(directory)])
    assert (ran.exit_code, "Nothing is up" in ran.stdout) == (0, True)


@pytest.mark.parametrize(
    "grant", ["acme", "acme/function-runs", "*/function-runs:read", "/x:y", "acme/x:", "acme/x:y z"]
)
def test_a_grant_that_does_not_look_like_one_is_refused_with_a_hint(grant: str, directory: Path) -> None:
    ran = CliRunner().invoke(app, ["token", "--grant", grant, "--directory", str(directory)])
    assert ran.exit_code == 1
    assert "workspace/resource:action" in ran.output


@pytest.mark.parametrize(
    "grant", ["acme/function-triggers:execute", "my-workspace/*:read", "acme/function-runs:*", "a1/*:*"]
)
def test_grants_with_and_without_stars_are_taken(grant: str) -> None:
    assert is_grant(grant)
