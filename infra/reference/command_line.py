"""The command line's reference: its commands with their arguments and options, as they describe themselves."""

import importlib
from collections.abc import Iterable, Iterator
from typing import Any

import typer
from fnrun.main import COMMANDS, PROGRAM, app

_OF_ALL = ("profile", "workspace", "output", "utc")
"""Options that each command has: they are described once."""
_CONTEXT: Any = typer.Context(typer.main.get_command(app))


def commands_list() -> str:
    """A section for each command, in the order of `fnrun --help`, after the options that all of them have."""
    found = [each for name, command in COMMANDS.items() for each in _commands(name, command.module)]
    of_all = [each for each in found[0][1].params if each.name in _OF_ALL]
    sections = [_section(name, command) for name, command in found]
    return "".join(["### Options of all commands\n", _table(of_all), *sections])


def _commands(name: str, module: str) -> Iterator[tuple[str, Any]]:
    """The command with its full name, or those of a group."""
    command: Any = typer.main.get_command(importlib.import_module(f"fnrun.commands.{module}").app)
    yield from _flattened(f"{PROGRAM} {name}", command)


def _flattened(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    if not hasattr(command, "commands"):
        yield name, command
        return
    for each, below in command.commands.items():
        if not below.hidden:
            yield from _flattened(f"{name} {each}", below)


def _section(name: str, command: Any) -> str:
    own = [each for each in command.params if each.name not in _OF_ALL and not each.hidden]
    usage = " ".join(
        [name, *(_named(each) if each.required else f"[{_named(each)}]" for each in own if _is_argument(each))]
    )
    paragraphs = [" ".join(each.split()) for each in (command.help or "").split("\n\n")]
    return "".join([f"\n### {name}\n\n`{usage}`\n", *(f"\n{each}\n" for each in paragraphs), _table(own)])


def _table(parameters: Iterable[Any]) -> str:
    rows = [f"| `{_cell(left)}` | {_cell(about)} |\n" for left, about in map(_described, parameters)]
    return "".join(["\n| | |\n|---|---|\n", *rows]) if rows else ""


def _described(parameter: Any) -> tuple[str, str]:
    return (_named(parameter), parameter.help or "") if _is_argument(parameter) else parameter.get_help_record(_CONTEXT)


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _named(argument: Any) -> str:
    return str(argument.metavar or argument.name.upper())


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*")
