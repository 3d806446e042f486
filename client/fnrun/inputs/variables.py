"""Environment variables, as `--env` and `--env-file` name them."""

import re
from pathlib import Path

from fnrun.errors import UsageFault

# https://docs.aws.amazon.com/lambda/latest/api/API_Environment.html
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")


def read_variables(file: Path) -> dict[str, str]:
    """The variables of a file of lines NAME=VALUE, as Docker's --env-file: no quotes, no `export`, no substitution.

    Docker itself is given the same file for `fnrun debug --docker`. Raises UsageFault.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageFault(f"{file} cannot be read ({type(error).__name__})", "name a file of lines NAME=VALUE") from None
    stated = {number: line.lstrip() for number, line in enumerate(lines, start=1)}
    return dict(
        variable(line, f"Line {number} of {file}")
        for number, line in stated.items()
        if line and not line.startswith("#")
    )


def variable(text: str, where: str) -> tuple[str, str]:
    """NAME and VALUE. Raises UsageFault, which does not quote the text: it may be a secret."""
    name, equals, value = text.partition("=")
    if not equals or not _NAME.fullmatch(name):
        raise UsageFault(f"{where} is not NAME=VALUE", "a name begins with a letter, and has letters, digits and _")
    return name, value
