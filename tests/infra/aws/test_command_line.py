"""The command line: what somebody at a terminal reads when it cannot be done."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)
from typer.testing import CliRunner

from infra import context
from infra.aws import __main__ as command_line
from infra.aws import commands
from infra.aws.commands import StoppedError, Terminal
from infra.aws.failures import what_to_do
from infra.aws.target import Target

TARGET = Target("FunctionRerun", "123456789012", "aws", "eu-west-1", None, lambda _: None)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret"}}, "ListRules")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (NoCredentialsError(), "Log in"),
        (NoRegionError(), "--region"),
        (ProfileNotFound(profile="acme"), "acme"),
        (UnauthorizedSSOTokenError(), "Log in again"),
        (EndpointConnectionError(endpoint_url="https://sts"), "Try again later"),
        (refused("ExpiredToken"), "Log in again"),
        (refused("AccessDenied"), "AWS denies ListRules"),
        (refused("ThrottlingException"), "try again later"),
    ],
)
def test_each_failure_says_what_to_do(error: ClientError | BotoCoreError, says: str) -> None:
    assert says in what_to_do(error)
    assert "secret" not in what_to_do(error)


def test_without_credentials_it_says_so_and_installs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def of(*_: Any, **__: Any) -> Target:
        raise NoCredentialsError

    monkeypatch.setattr(Target, "of", of)
    ran = CliRunner().invoke(command_line.app, ["diff"])
    assert (ran.exit_code, "There are no AWS credentials" in ran.output) == (1, True)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The options that a command was called with, in place of AWS and the CDK."""
    given: dict[str, Any] = {}

    def of(stack: str, **options: Any) -> Target:
        given.update(options, stack=stack)
        return TARGET

    monkeypatch.setattr(Target, "of", of)
    monkeypatch.setattr(command_line, "CdkCli", lambda target: target)
    return given


def asking(given: dict[str, Any]) -> Callable[[Target, Any, Terminal], None]:
    def command(_: Target, __: Any, terminal: Terminal) -> None:
        given["confirmed"] = terminal.confirm("Really?")
        if not given["confirmed"]:
            raise StoppedError("Nothing was changed.")

    return command


class Conversation(NamedTuple):
    options: tuple[str, ...]
    typed: str
    confirmed: bool


@pytest.mark.parametrize("command", ["deploy", "destroy", "bootstrap"])
@pytest.mark.parametrize(
    "conversation",
    [
        Conversation((), "y\n", confirmed=True),
        Conversation((), "n\n", confirmed=False),
        Conversation((), "\n", confirmed=False),
        Conversation(("--yes",), "", confirmed=True),
    ],
)
def test_what_changes_something_asks_first_unless_it_is_told_not_to(
    monkeypatch: pytest.MonkeyPatch, offline: dict[str, Any], command: str, conversation: Conversation
) -> None:
    monkeypatch.setattr(commands, command, asking(offline))
    ran = CliRunner().invoke(command_line.app, [command, *conversation.options], input=conversation.typed)
    assert offline["confirmed"] == conversation.confirmed
    assert ran.exit_code == (0 if conversation.confirmed else 1)


def test_stack_region_and_profile_are_those_that_were_named(
    monkeypatch: pytest.MonkeyPatch, offline: dict[str, Any]
) -> None:
    monkeypatch.setattr(commands, "diff", lambda *_: None)
    options = ["--stack", "Acme", "--region", "eu-west-1", "--profile", "admin"]
    assert CliRunner().invoke(command_line.app, ["diff", *options]).exit_code == 0
    assert offline == {"stack": "Acme", "region": "eu-west-1", "profile": "admin"}


@pytest.mark.parametrize(
    ("declared", "options", "stack"),
    [
        ({}, [], "FunctionRerun"),
        ({"stackName": "Acme"}, [], "Acme"),
        ({"stackName": "Acme"}, ["--stack", "Another"], "Another"),
    ],
)
def test_the_stack_is_the_one_of_cdk_json_unless_another_is_named(
    monkeypatch: pytest.MonkeyPatch,
    offline: dict[str, Any],
    declared: dict[str, Any],
    options: list[str],
    stack: str,
) -> None:
    monkeypatch.setattr(context, "declared_context", lambda: declared)
    monkeypatch.setattr(commands, "destroy", lambda *_: None)
    assert CliRunner().invoke(command_line.app, ["destroy", *options]).exit_code == 0
    assert offline["stack"] == stack
