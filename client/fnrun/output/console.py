"""Where things are printed. Colours are rich's business: none where the output is not a terminal, or with NO_COLOR."""

import sys
from typing import TYPE_CHECKING, Any

from fnrun.output.text import as_json, printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console


def stdout() -> "Console":
    """For data."""
    return _console(stderr=False)


def stderr() -> "Console":
    """For what is said about it: progress, questions, notes."""
    return _console(stderr=True)


def note(sentence: str) -> None:
    """A line for people on stderr."""
    sys.stderr.write(printable(sentence) + "\n")


def print_json(document: Any) -> None:
    sys.stdout.write(as_json(document) + "\n")


def print_json_list(documents: "Iterable[Any]") -> int:
    """One array, each document written as it comes, so that memory holds one at a time. Gives how many there were."""
    count = 0
    for count, document in enumerate(documents, 1):
        # Not before the first is there: what fails until then leaves no half of an array.
        sys.stdout.write(("[\n" if count == 1 else ",\n") + as_json(document, indent=None))
    sys.stdout.write("\n]\n" if count else "[]\n")
    return count


def is_interactive() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _console(*, stderr: bool) -> "Console":
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # Not on a terminal, a line is as long as it is: other programs read it.
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=not stream.isatty(),
        width=None if stream.isatty() else 10_000,
    )
