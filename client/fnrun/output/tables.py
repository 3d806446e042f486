"""Tables: a header, then a row for each thing; ids are never broken."""

import sys
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
        # Of error groups and batches.
        "open": "red",
        "resolved": "green",
        "ignored": "dim",
        "scheduled": "yellow",
        "canary": "cyan",
        "paused": "yellow",
        "stopped": "red",
        "same": "green",
        "different": "red",
        "flaky": "yellow",
        "inconclusive": "yellow",
    }
)
_AT_ONCE = 100
"""Rows whose widths are compared: a long list is printed as it comes, in bounded memory."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Gives the number of rows; without any, nothing is printed."""
    remaining, count = iter(rows), 0
    widths = [len(column) for column in columns]
    while block := [*islice(remaining, _AT_ONCE)]:
        cells = _printable(block, widths)
        headers = [columns] if count == 0 else []
        if sys.stdout.isatty():
            console = stdout()
            for line in [*(_header(each, widths) for each in headers), *(_coloured(row, widths) for row in cells)]:
                console.print(line, overflow="ignore", no_wrap=True, crop=False)
        else:  # ten thousand rows take rich seconds
            sys.stdout.writelines(_line(row, widths) + "\n" for row in [*headers, *cells])
        count += len(block)
    return count


def table_lines(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> "list[Text]":
    """The header and a line for each row."""
    widths = [len(column) for column in columns]
    cells = _printable(rows, widths)
    return [_header(columns, widths), *(_coloured(row, widths) for row in cells)]


def _printable(rows: Iterable[Sequence[object]], widths: list[int]) -> list[list[str]]:
    """The cells; `widths` grow with what is in them."""
    cells = [[printable("" if cell is None else cell) for cell in row] for row in rows]
    widths[:] = [max(width, *(len(row[at]) for row in cells), 0) for at, width in enumerate(widths)]
    return cells


def _header(columns: Sequence[str], widths: Sequence[int]) -> "Text":
    from rich.text import Text

    return Text(_line(columns, widths), "bold")


def _coloured(cells: Sequence[str], widths: Sequence[int]) -> "Text":
    from rich.text import Text

    padded = zip(cells, widths, strict=True)
    line = Text("  ").join(Text(f"{cell:<{width}}", STATUS_STYLES.get(cell, "")) for cell, width in padded)
    line.rstrip()
    return line


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
