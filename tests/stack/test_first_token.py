"""From an operator's AWS credentials to somebody's first token, and back."""

import json
from pathlib import Path

import pytest

from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace
from tests.stack.own_machine import Machine

TEMPORARY = "Correct-horse-1"
ON_STDIN = ("--password-stdin",)


@pytest.fixture
def email(workspace: Workspace) -> str:
    return f"new-{workspace.name}@example.com"


@pytest.fixture
def machine(local_stack: LocalStack, email: str, tmp_path: Path) -> Machine:
    return Machine.of(tmp_path, local_stack, email, TEMPORARY)


def test_whoever_is_added_and_granted_logs_in_and_may(machine: Machine, email: str, workspace: Workspace) -> None:
    added = machine.fnrun("admin", "user", "add", email, *ON_STDIN, sent=f"{TEMPORARY}\n")
    assert added.returncode == 0, added.stderr
    assert TEMPORARY not in added.stderr + added.stdout
    assert f"fnrun login '{workspace.local_stack.api_url}'" in added.stderr
    grant = f"{workspace.name}/*:*"
    assert machine.fnrun("admin", "grant", email, grant).returncode == 0
    assert json.loads(machine.fnrun("admin", "grants", email, "-o", "json").stdout) == [grant]
    logged_in = machine.fnrun("login", workspace.local_stack.api_url, "--profile", "mine")
    assert f"May in {workspace.name}: *:*" in logged_in.stderr
    assert machine.fnrun("runs", "list", "--profile", "mine").returncode == 0
    seen = machine.fnrun("doctor", "--profile", "mine")
    assert seen.returncode == 0, seen.stdout + seen.stderr

    assert machine.fnrun("admin", "revoke", email, grant).returncode == 0


def test_users_are_listed_and_removed(machine: Machine, email: str) -> None:
    machine.fnrun("admin", "user", "add", email, *ON_STDIN, sent=TEMPORARY)
    listed = json.loads(machine.fnrun("admin", "user", "list", "-o", "json").stdout)
    [user] = [each for each in listed if each["email"] == email]
    assert user["status"] == "FORCE_CHANGE_PASSWORD"
    assert email in machine.fnrun("admin", "user", "list").stdout
    assert "add --yes" in machine.fnrun("admin", "user", "remove", email).stderr
    assert machine.fnrun("admin", "user", "remove", email, "--yes").returncode == 0
    assert f"There is no user {email}" in machine.fnrun("admin", "grants", email).stderr


def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    machine: Machine, email: str, workspace: Workspace
) -> None:
    refused = {
        ("admin", "user", "add", email): "add --password-stdin",
        ("admin", "user", "add", email, *ON_STDIN): "No password came",
        ("admin", "grant", email, f"{workspace.name}/*:*"): f"fnrun admin user add {email}",
        ("admin", "user", "list", "--aws-profile", "nothing", "--region", "eu-west-1"): "--aws-profile",
    }
    for arguments, says in refused.items():
        answer = machine.fnrun(*arguments)
        assert answer.returncode != 0
        assert says in answer.stderr.splitlines()[-1]
    weak = machine.fnrun("admin", "user", "add", email, *ON_STDIN, sent="weak\n")
    assert "InvalidPasswordException" in weak.stderr
    assert email not in machine.fnrun("admin", "user", "list").stdout
