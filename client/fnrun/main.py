"""The root of the command line: which commands there are, and how each ends."""

import errno
import importlib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from io import TextIOWrapper
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import typer
from typer.exceptions import Abort, TyperException

from fnrun.errors import CommandError, Exit, Reported, UsageFault, error_document, error_line
from fnrun.output.text import printable
from fnrun.shared import FnrunGroup, begin_invocation, invocation
from fnrun.typer_internals import NoArgsIsHelpError, completion_item, show_help_as_it_is

PROGRAM = "fnrun"
_INTERRUPTED = CommandError("Interrupted", "", Exit.INTERRUPTED)


class _Command(NamedTuple):
    module: str
    """Below fnrun.commands; its `app` is the command."""
    summary: str


COMMANDS: Mapping[str, _Command] = MappingProxyType(
    {
        # In the order in which a newcomer needs them.
        "execute": _Command("execute", "Start a run of a trigger."),
        "runs": _Command("runs", "List, show and watch runs."),
        "rerun": _Command("rerun", "Re-run runs; shows the plan first."),
        "history": _Command("history", "Show the lineage of a run as a tree."),
        "compare": _Command("compare", "Show how two runs differ."),
        "experiment": _Command("experiment", "Find out whether code or world made the difference."),
        "errors": _Command("errors", "List error groups; show, resolve, ignore or reopen one."),
        "batch": _Command("batch", "Re-run many runs as one; it stops itself."),
        "replay": _Command("replay", "Execute recorded runs on other code: does it do the same?"),
        "cancel": _Command("cancel", "Cancel runs that are not executed yet."),
        "erase": _Command("erase", "Erase what runs hold, for good."),
        "functions": _Command("functions", "Register, list, show, edit and remove functions."),
        "triggers": _Command("triggers", "Add, list, show, edit and remove triggers."),
        "audit": _Command("audit", "List who did what."),
        "debug": _Command("debug", "Bring a run to this machine and execute it here."),
        "export-test": _Command("export_test", "Write a pytest file from a run."),
        "open": _Command("open_run", "Show a run in AWS's console."),
        "doctor": _Command("doctor", "Say what is wrong, and what to do."),
        "login": _Command("login", "Log in to a stack by its URL."),
        "logout": _Command("logout", "Forget a stack's tokens."),
        "whoami": _Command("whoami", "Show who you are and what you may do."),
        "profiles": _Command("profiles", "List and choose the stacks that you are logged in to."),
        "admin": _Command("admin", "Give people of the stack's user pool their grants."),
        "local": _Command("local", "The stack on this machine: up, down, deploy, …"),
    }
)


class _Modules(Mapping[str, Any]):
    """The commands by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Any:
        module = importlib.import_module(f"fnrun.commands.{COMMANDS[name].module}")
        command = typer.main.get_command(module.app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Root(FnrunGroup):
    """Lists and completes the commands without importing them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.commands: Any = _Modules()

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # Typer makes an exit code of it, which a command that has said what it left may give, too.
            raise _INTERRUPTED from None

    def list_commands(self, _ctx: Any) -> list[str]:
        return [*COMMANDS]

    def format_commands(self, _ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        names = [
            completion_item(name, command.summary) for name, command in COMMANDS.items() if name.startswith(incomplete)
        ]
        return names if names or not incomplete.startswith("-") else super().shell_complete(ctx, incomplete)


app = typer.Typer(
    name=PROGRAM,
    cls=Root,
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version(PROGRAM))
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(False, "--version", help="Print the version.", callback=_show_version, is_eager=True),
) -> None:
    """See and re-run the runs of your Lambda functions.

    After `make up` the local stack is found by itself; `fnrun login URL` is for any other.
    """


def run() -> NoReturn:
    if "_FNRUN_COMPLETE" in os.environ:
        show_help_as_it_is()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a character shows its number
            stream.reconfigure(errors="backslashreplace")
    sys.exit(main())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit code. Whatever goes wrong is said in one line on stderr."""
    try:
        code = _called(arguments)
        sys.stdout.flush()  # what cannot be written is said here, not by the interpreter as it ends
    except OSError as error:
        # What is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # who reads our output has seen enough
            return Exit.DONE
        why = f"The output cannot be written: {error.strerror}"
        fault = CommandError(why, "make room, or write it elsewhere", Exit.NOT_WELL)
        return _fail(fault, as_json=_asks_for_json(arguments))
    return code


_OF_THE_OUTPUT = frozenset({errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EFBIG, errno.EBADF})


def _called(arguments: Sequence[str] | None) -> int:
    """Raises OSError where the output cannot be written."""
    begin_invocation()
    try:
        _check_text(sys.argv[1:] if arguments is None else arguments)
        code = typer.main.get_command(app).main(arguments, prog_name=PROGRAM, standalone_mode=False)
        return code if isinstance(code, int) else Exit.DONE
    except Reported as reported:
        return reported.exit_code
    except NoArgsIsHelpError as asked:
        sys.stdout.write(asked.format_message() + "\n")
        return Exit.USAGE
    except Exception as error:  # no command ends in a traceback: its message may hold what was sent
        if isinstance(error, OSError) and error.errno in _OF_THE_OUTPUT:
            raise
        return _fail(_explained(error), as_json=_asks_for_json(arguments))
    except KeyboardInterrupt:
        return _fail(_INTERRUPTED, as_json=_asks_for_json(arguments))


def _check_text(arguments: Sequence[str]) -> None:
    """Raises UsageFault for bytes that Python could only keep as halves of surrogate pairs."""
    if any("\ud800" <= character <= "\udfff" for argument in arguments for character in argument):
        raise UsageFault("An argument is not UTF-8", "type it in UTF-8")


def _explained(error: Exception) -> CommandError:
    if isinstance(error, CommandError):
        return error
    if isinstance(error, TyperException):
        return _usage(error)
    if isinstance(error, Abort):
        return CommandError("Nothing was answered", "add --yes to be asked nothing", Exit.USAGE)
    from fnrun.failures import explained  # what it needs is imported by now, or is not what failed

    return explained(error)


def _usage(error: TyperException) -> CommandError:
    from fnrun.next_steps import step_of_wrong_usage

    context = getattr(error, "ctx", None)
    command = context.command_path if context else PROGRAM
    message = " ".join(error.format_message().split()).replace("Value error, ", "")
    return UsageFault(message, step_of_wrong_usage(command, message))


def _asks_for_json(arguments: Sequence[str] | None) -> bool:
    """Also where the options could not be read whole."""
    typed = " ".join(sys.argv[1:] if arguments is None else arguments)
    return invocation().as_json or re.search(r"(?:^| )(?:-o ?|--output[ =])json(?: |$)", typed) is not None


def _fail(error: CommandError, *, as_json: bool = False) -> int:
    if as_json:
        sys.stderr.write(json.dumps({"error": error_document(error)}) + "\n")
    else:
        sys.stderr.write(f"{PROGRAM}: {printable(error_line(error))}\n")
    return error.exit_code
