"""Tables: a header, then a row for each thing; ids are never broken."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING

from fnrun.output.console import stdout
from fnrun.output.text import printable

if TYPE_CHECKING:
    from rich.text import Text

STATUS_STYLES: Mapping[str, str] = MappingProxyType(
    {
        "completed": "green",
        "failure": "red",
        "timeout": "red",
        "cancelled": "dim",
        "running": "cyan",
        "pending": "yellow",
    }
)
_AT_ONCE = 100
"""Rows whose widths are compared: a long list is printed as it comes, in bounded memory."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Gives the number of rows; without any, nothing is printed."""
    console, remaining, count = stdout(), iter(rows), 0
    widths = [len(column) for column in columns]
    while block := [*islice(remaining, _AT_ONCE)]:
        lines = table_lines(columns, block, widths=widths)
        for line in lines if count == 0 else lines[1:]:
            console.print(line, overflow="ignore", no_wrap=True, crop=False)
        count += len(block)
    return count


def table_lines(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, widths: list[int] | None = None
) -> "list[Text]":
    """The header and a line for each row. `widths` are at least so many, and grow with what is in the rows."""
    from rich.text import Text

    cells = [[printable("" if cell is None else cell) for cell in row] for row in rows]
    widths = [len(column) for column in columns] if widths is None else widths
    widths[:] = [max(width, *(len(row[at]) for row in cells), 0) for at, width in enumerate(widths)]
    lines = [Text(_line(columns, widths), "bold")]
    for row in cells:
        line = Text("  ").join(
            Text(f"{cell:<{width}}", STATUS_STYLES.get(cell, "")) for cell, width in zip(row, widths, strict=True)
        )
        line.rstrip()
        lines.append(line)
    return lines


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
