"""What is deployed, checked before anything is made: a folder of Python code, its handler and its environment."""

import re
import symtable
import tokenize
from collections.abc import Iterable, Mapping
from pathlib import Path

from fnrun.errors import UsageFault
from fnrun.inputs.variables import read_variables, variable

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Of a Lambda function."""
_STAR = re.compile(r"^\s*from\s.*\simport\s+\*", re.MULTILINE)
_SHOWN = 5


def name_for(directory: Path, named: str | None) -> str:
    name = named or directory.resolve().name
    if not NAME.fullmatch(name):
        raise UsageFault(
            f"{name!r} cannot be the name of a Lambda function", "add --name, with letters, digits, - and _"
        )
    return name


def check_handler(directory: Path, handler: str) -> None:
    """Raises UsageFault if Lambda would not find the handler in the folder."""
    if not directory.is_dir():
        raise UsageFault(f"There is no folder {directory}", "name the folder that has the function's code")
    module, _, function = handler.replace("/", ".").rpartition(".")
    if not module or not all(part.isidentifier() for part in (*module.split("."), function)):
        raise UsageFault(
            f"{handler!r} is no handler",
            "write --handler as in Lambda: app.handler is the function `handler` in app.py",
        )
    path = directory / module.replace(".", "/")
    file = next((each for each in (path.with_suffix(".py"), path / "__init__.py") if each.is_file()), None)
    if file is None:
        modules = _listed(each.stem for each in directory.glob("*.py"))
        there = f"name one of its modules: {modules}" if modules else "name the folder that has the function's code"
        raise UsageFault(f"There is no {path.with_suffix('.py').relative_to(directory)} in {directory}", there)
    _check_function(file, function)


def _check_function(file: Path, function: str) -> None:
    try:
        with tokenize.open(file) as opened:  # as Python reads it: its encoding may be declared in it
            text = opened.read()
        symbols = symtable.symtable(text, str(file), "exec").get_symbols()
    except (SyntaxError, ValueError) as error:
        line = f", line {error.lineno}: {error.msg}" if isinstance(error, SyntaxError) else ""
        raise UsageFault(f"{file} is not Python{line}", "correct it and deploy again") from None
    named = {each.get_name() for each in symbols if each.is_assigned() or each.is_imported() or each.is_namespace()}
    if function not in named and not _STAR.search(text):
        functions = _listed(each.get_name() for each in symbols if each.is_namespace())
        there = f"name one of these: {functions}" if functions else "define it, or name another --handler"
        raise UsageFault(f"{file} has no function {function!r}", there)


def _listed(names: Iterable[str]) -> str:
    several = sorted(names)
    return ", ".join(several[:_SHOWN]) + (", …" if len(several) > _SHOWN else "")


def environment(given: Iterable[str], file: Path | None) -> Mapping[str, str] | None:
    """Of `--env NAME=VALUE` and `--env-file`; the former wins. None if there is neither."""
    pairs = [variable(each, "--env") for each in given]
    if file is None:
        return dict(pairs) if pairs else None
    return read_variables(file) | dict(pairs)
