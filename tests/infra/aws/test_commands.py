"""What each command does in which order, what it says, and that it asks first."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import context
from infra.aws import commands
from infra.aws.commands import StoppedError, Terminal
from infra.aws.target import Target
from infra.context import BOOTSTRAP_PARAMETER
from tests.infra.aws.test_trigger_sweep import a_bus, a_rule, rules_on


class FakeCli:
    """Answers as it was made to, and remembers what it was asked for."""

    def __init__(self, *, fails: str = "", on_destroy: Callable[[], Any] = lambda: None) -> None:
        self.calls: list[tuple[str, ...]] = []
        self._fails = fails
        self._on_destroy = on_destroy

    def synthesise(self) -> bool:
        return self("synth")

    def __call__(self, command: str, *arguments: str) -> bool:
        self.calls.append((command, *arguments))
        if command == "destroy":
            self._on_destroy()
        return command != self._fails

    @property
    def commands(self) -> list[str]:
        return [call[0] for call in self.calls]


class Screen:
    def __init__(self, *, answer: bool = True) -> None:
        self.text = io.StringIO()
        self.questions: list[str] = []
        self._answer = answer

    @property
    def terminal(self) -> Terminal:
        return Terminal(lambda text: print(text, file=self.text), self._confirm)

    def _confirm(self, question: str) -> bool:
        self.questions.append(question)
        return self._answer


@pytest.fixture
def bootstrapped(deployed: Target) -> Target:
    """The emulator's account is: the local stack is deployed as the CDK does it."""
    assert deployed.is_bootstrapped()
    return deployed


def test_a_deployment_is_shown_asked_for_and_done_and_says_what_comes_next(bootstrapped: Target) -> None:
    cli, screen = FakeCli(), Screen()
    commands.deploy(bootstrapped, cli, screen.terminal)
    assert cli.commands == ["synth", "diff", "deploy"]
    (question,) = screen.questions
    assert bootstrapped.account in question
    assert bootstrapped.region in question
    said = screen.text.getvalue()
    assert "https://api.example" in said
    assert f"fnrun admin user add alice@example.com --stack {bootstrapped.stack}" in said
    assert "fnrun login https://api.example" in said
    assert "deletionProtection" in said


def test_a_deployment_that_is_not_wanted_changes_nothing(bootstrapped: Target) -> None:
    cli, screen = FakeCli(), Screen(answer=False)
    with pytest.raises(StoppedError, match="Nothing was changed"):
        commands.deploy(bootstrapped, cli, screen.terminal)
    assert "deploy" not in cli.commands


@pytest.mark.parametrize(
    ("fails", "says"),
    [
        ("synth", "template could not be made.*Nothing was changed"),
        ("diff", "could not be compared.*Nothing was changed"),
        ("deploy", "deployment failed.*rolls back.*make deploy"),
    ],
)
def test_what_fails_ends_a_deployment_and_says_what_has_changed(bootstrapped: Target, fails: str, says: str) -> None:
    cli = FakeCli(fails=fails)
    with pytest.raises(StoppedError, match=says):
        commands.deploy(bootstrapped, cli, Screen().terminal)
    assert cli.commands[-1] == fails


class NotBootstrapped:
    class exceptions:  # noqa: N801 - botocore's name
        class ParameterNotFound(Exception):
            pass

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803 - AWS's name
        assert Name == BOOTSTRAP_PARAMETER
        raise self.exceptions.ParameterNotFound


def test_an_account_that_the_cdk_does_not_know_is_told_of_first(deployed: Target) -> None:
    cli = FakeCli()
    bare = deployed._replace(client=lambda _: NotBootstrapped())
    with pytest.raises(StoppedError, match="make bootstrap"):
        commands.deploy(bare, cli, Screen().terminal)
    assert cli.calls == []


def test_an_account_is_bootstrapped_once_it_is_agreed_to(target: Target) -> None:
    cli = FakeCli()
    with pytest.raises(StoppedError, match="Nothing was changed"):
        commands.bootstrap(target, cli, Screen(answer=False).terminal)
    assert cli.calls == []
    commands.bootstrap(target, cli, Screen().terminal)
    assert cli.calls == [("bootstrap", f"aws://{target.account}/{target.region}")]


@pytest.fixture
def cdk_json(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """In place of the project's."""
    file = tmp_path / "cdk.json"
    monkeypatch.setattr(context, "_FILE", file)
    return file


def test_a_first_deployment_protects_nothing_from_its_own_rollback(target: Target, cdk_json: Path) -> None:
    assert target.is_bootstrapped()
    cdk_json.write_text('{"context": {"deletionProtection": true}}')
    cli = FakeCli()
    with pytest.raises(StoppedError, match=r"deletionProtection.*Nothing was changed"):
        commands.deploy(target, cli, Screen().terminal)
    assert cli.calls == []
    cdk_json.write_text('{"context": {"deletionProtection": false}}')
    commands.deploy(target, cli, Screen().terminal)
    assert "deploy" in cli.commands


def test_what_was_deployed_once_is_protected(bootstrapped: Target, cdk_json: Path) -> None:
    cdk_json.write_text('{"context": {"deletionProtection": true}}')
    commands.deploy(bootstrapped, FakeCli(), Screen().terminal)


@pytest.mark.parametrize(
    ("status", "created"),
    [
        *[
            (status, False)
            for status in ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED")
        ],
        *[(status, True) for status in ("CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE")],
    ],
)
def test_what_is_left_of_a_first_deployment_that_failed_is_no_stack_yet(
    target: Target, status: str, *, created: bool
) -> None:
    class Formation:
        def describe_stacks(self, **_: str) -> dict[str, Any]:
            return {"Stacks": [{"StackStatus": status}]}

    assert target._replace(client=lambda _: Formation()).was_created() is created


def test_a_deployment_says_what_is_decided_by_a_context_that_is_not_there(bootstrapped: Target, cdk_json: Path) -> None:
    cdk_json.write_text('{"app": "app"}')
    screen = Screen()
    commands.deploy(bootstrapped, FakeCli(), screen.terminal)
    assert "No function can be registered yet" in screen.text.getvalue()


def test_a_difference_is_shown_without_a_question_and_without_a_change_set(target: Target) -> None:
    cli, screen = FakeCli(), Screen()
    commands.diff(target, cli, screen.terminal)
    assert cli.calls == [("synth",), ("diff", target.stack, "--method", "template")]
    assert screen.questions == []
    assert "Nothing was changed" in screen.text.getvalue()


class InReview:
    """A client that describes a stack in REVIEW_IN_PROGRESS, which has neither a template nor resources."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"StagesAvailable": []}

    def get_paginator(self, operation: str) -> Any:
        paginator = self._client.get_paginator(operation)
        if operation == "list_stack_resources":
            paginator.paginate = lambda **_: [{"StackResourceSummaries": []}]
        return paginator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class TestDestroy:
    def test_rules_go_before_the_stack_and_what_is_kept_is_named_with_how_to_remove_it(self, deployed: Target) -> None:
        bus = a_bus(deployed, f"{deployed.stack}-triggers")
        rule, left = a_rule(deployed, bus), []
        screen, cli = Screen(), FakeCli(on_destroy=lambda: left.append(rules_on(deployed, bus)))
        commands.destroy(deployed, cli, screen.terminal)
        assert left == [set()]
        assert cli.calls == [("synth",), ("destroy", deployed.stack, "--force")]
        said = screen.text.getvalue()
        assert f"rule {rule} on the bus {bus}" in said
        table, bucket = (each.id for each in sorted(deployed.retained()))
        assert f"aws dynamodb update-table --table-name {table} --no-deletion-protection-enabled" in said
        assert f"aws dynamodb delete-table --table-name {table} --region" in said
        assert f"aws s3 rb s3://{bucket} --force" in said

    def test_nothing_goes_unless_it_is_agreed_to(self, deployed: Target) -> None:
        bus = a_bus(deployed, f"{deployed.stack}-triggers")
        rule, cli = a_rule(deployed, bus), FakeCli()
        with pytest.raises(StoppedError, match="Nothing was changed"):
            commands.destroy(deployed, cli, Screen(answer=False).terminal)
        assert "destroy" not in cli.commands
        assert rules_on(deployed, bus) == {rule}

    def test_a_rule_that_was_made_meanwhile_goes_too(self, deployed: Target) -> None:
        bus = a_bus(deployed, f"{deployed.stack}-orders")
        commands.destroy(deployed, FakeCli(on_destroy=lambda: a_rule(deployed, bus)), Screen().terminal)
        assert rules_on(deployed, bus) == set()

    def test_a_stack_that_stays_is_told_of_with_what_is_gone(self, deployed: Target) -> None:
        with pytest.raises(StoppedError, match=r"was not deleted.*triggers are: none fires.*make destroy"):
            commands.destroy(deployed, FakeCli(fails="destroy"), Screen().terminal)

    def test_rules_that_a_deleted_stack_has_left_behind_go_without_it(self, target: Target) -> None:
        bus = a_bus(target, f"{target.stack}-orders")
        a_rule(target, bus)
        cli = FakeCli()
        commands.destroy(target, cli, Screen().terminal)
        assert cli.calls == []
        assert rules_on(target, bus) == set()

    def test_a_stack_that_never_got_beyond_its_change_set_goes_and_leaves_nothing(self, deployed: Target) -> None:
        reviewed = deployed._replace(client=lambda name: InReview(deployed.client(name)))
        screen, cli = Screen(), FakeCli()
        commands.destroy(reviewed, cli, screen.terminal)
        assert cli.calls[-1] == ("destroy", deployed.stack, "--force")
        assert "Kept" not in screen.text.getvalue()

    def test_where_there_is_nothing_nothing_is_asked(self, target: Target) -> None:
        screen = Screen()
        with pytest.raises(StoppedError, match="Nothing was changed"):
            commands.destroy(target, FakeCli(), screen.terminal)
        assert screen.questions == []
