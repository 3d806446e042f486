"""Names and what they stand for, one pair a line, the second column aligned."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fnrun.output.tables import STATUS_STYLES
from fnrun.output.text import printable

if TYPE_CHECKING:
    from rich.console import Console


def print_fields(console: "Console", fields: Iterable[tuple[str, object]], *, indent: int = 0) -> None:
    """Those that have a value; a status in its colour."""
    from rich.text import Text

    shown = [(name, printable(value)) for name, value in fields if value not in (None, "")]
    width = max((len(name) for name, _ in shown), default=0)
    for name, value in shown:
        label = f"{'':{indent}}{name:<{width}}  "
        line = Text.assemble((label, "dim"), (value, STATUS_STYLES.get(value.split(" ")[0], "")))
        console.print(line, soft_wrap=True)
