"""The root of the command line: help, wrong commands, and faults."""

import json
import sys
from types import ModuleType

import pytest
import typer
from fnrun import main as root
from fnrun.errors import CommandError, Exit
from fnrun.shared import Commands, invocation

from tests.client.cli import Fnrun


@pytest.fixture(autouse=True)
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command `probe` whose argument says how it ends."""
    module = ModuleType("fnrun.commands.probe")
    app = Commands()
    vars(module)["app"] = app

    @app.command()
    def probe(ending: str) -> None:
        if ending == "fault":
            raise ValueError("a-secret")
        if ending == "refused":
            raise CommandError("The run is open", "wait", code="RERUN_OPEN", request_id="r-1")
        if ending == "interrupted":
            raise KeyboardInterrupt
        if ending == "said":
            typer.echo("Interrupted: one of two was started.", err=True)
            raise typer.Exit(Exit.INTERRUPTED)
        typer.echo(f"{invocation().workspace} {invocation().utc}")

    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(root, "COMMANDS", {**root.COMMANDS, "probe": root._Command("probe", "Ends somehow.")})


def test_help_names_every_command_and_loads_none(fnrun: Fnrun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.import_module", lambda _: pytest.fail("a command was imported"))
    answer = fnrun("--help")
    assert answer.code == Exit.DONE
    assert all(f"\n  {name}" in answer.stdout for name in root.COMMANDS)


def test_no_command_at_all_is_answered_with_the_help(fnrun: Fnrun) -> None:
    answer = fnrun()
    assert (answer.code, answer.stderr) == (Exit.USAGE, "")
    assert "Commands:" in answer.stdout


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["prob"], "fnrun: No such command 'prob'. Did you mean 'probe'? Next: fnrun --help\n"),
        (["probe"], "fnrun: Missing argument 'ending'. Next: fnrun probe --help\n"),
        (["probe", "a", "b"], "fnrun: Got unexpected extra argument(s) (b). Next: fnrun probe --help\n"),
        (["probe", "a", "--x"], "fnrun: No such option: --x. Next: fnrun probe --help\n"),
        (["probe", "refused"], "fnrun: The run is open. Next: wait\n"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(fnrun: Fnrun, typed: list[str], line: str) -> None:
    answer = fnrun(*typed)
    assert (answer.stderr, answer.stdout) == (line, "")
    assert answer.code == (Exit.REFUSED if "refused" in typed else Exit.USAGE)


def test_with_json_the_line_is_a_document(fnrun: Fnrun) -> None:
    answer = fnrun("probe", "refused", "-o", "json")
    error = {"code": "RERUN_OPEN", "message": "The run is open", "requestId": "r-1", "next": "wait", "exitCode": 3}
    assert json.loads(answer.stderr) == {"error": error}
    assert json.loads(fnrun("probe", "--output=json").stderr)["error"]["exitCode"] == Exit.USAGE


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        (["interrupted"], "fnrun: Interrupted.\n"),
        (["interrupted", "-o", "json"], '{"error": {"message": "Interrupted", "exitCode": 130}}\n'),
        (["said"], "Interrupted: one of two was started.\n"),
    ],
)
def test_an_interrupt_is_said_once(fnrun: Fnrun, typed: list[str], line: str) -> None:
    assert fnrun("probe", *typed) == (Exit.INTERRUPTED, "", line)


def test_a_fault_shows_its_place_and_not_its_message(fnrun: Fnrun) -> None:
    answer = fnrun("probe", "fault")
    assert answer.code == Exit.FAULT
    assert "ValueError in probe, " in answer.stderr
    assert "a-secret" not in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_options_of_all_commands_hold_for_one_command_only(fnrun: Fnrun) -> None:
    assert fnrun("probe", "x", "-w", "acme", "--utc").stdout == "acme True\n"
    assert fnrun("probe", "x").stdout == "None False\n"
