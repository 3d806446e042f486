"""Tables: a header, then a row for each thing; ids are never broken."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType

from fnrun.output.console import stdout
from fnrun.output.text import printable

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
    from rich.text import Text

    console, remaining, count = stdout(), iter(rows), 0
    widths = [len(column) for column in columns]
    while block := [[printable("" if cell is None else cell) for cell in row] for row in islice(remaining, _AT_ONCE)]:
        widths = [max(width, *(len(row[at]) for row in block)) for at, width in enumerate(widths)]
        if count == 0:
            console.print(Text(_line(columns, widths), "bold"), overflow="ignore", no_wrap=True, crop=False)
        for row in block:
            cells = [
                Text(f"{cell:<{width}}", STATUS_STYLES.get(cell, "")) for cell, width in zip(row, widths, strict=True)
            ]
            line = Text("  ").join(cells)
            line.rstrip()
            console.print(line, overflow="ignore", no_wrap=True, crop=False)
        count += len(block)
    return count


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
