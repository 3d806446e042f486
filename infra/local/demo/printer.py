"""How the demo looks: colours in a terminal only, ids by short names, and never a line broken inside a word."""

import io
import json
import re
import sys
import textwrap
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from rich.console import Console
from rich.text import Text

WIDTH = 100
INDENT = " " * 9
BODY_INDENT = " " * 15
_NO_BREAK = "\N{NO-BREAK SPACE}"
STYLES = {"completed": "green", "failure": "red"}


class Printer:
    def __init__(self) -> None:
        on_terminal = sys.stdout.isatty()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shows another one
        self.console = Console(force_terminal=None if on_terminal else False, highlight=False)
        self.console.width = min(WIDTH, self.console.width) if on_terminal else WIDTH
        self._chapters = 0
        self._short: dict[str, str] = {}

    def abbreviate(self, name: str, short: str) -> None:
        self._short[name] = short

    def chapter(self, title: str) -> None:
        self._chapters += 1
        self.heading(f"{self._chapters}. {title}")

    def heading(self, text: str) -> None:
        self._print(Text(f"\n{f'── {text} ':─<{self.console.width}}", "bold cyan"))

    def say(self, sentence: str) -> None:
        self._print(Text())
        self._wrap("", sentence, style="italic")

    def request(
        self, who: str, method: str, path: str, body: Any = None, headers: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        line = Text.assemble((f"  {who:<7}", "magenta"), (f"{method:<5} ", "bold"), self._shortened(path))
        self._print(line)
        for name, value in headers.items():
            self._wrap(BODY_INDENT, f"{name}: {value}", style="dim")
        if body is not None:
            self._wrap(BODY_INDENT, self._shortened(_json(body)))

    def answer(self, status: int | str, fields: Mapping[str, Any]) -> None:
        """The fields below each other, with the status before the first."""
        style = "red" if isinstance(status, int) and status >= 400 else "green"  # noqa: PLR2004 - HTTP's errors
        column = max(map(len, fields), default=0) + 2
        for number, (name, value) in enumerate(fields.items()):
            text = self._shortened(value if isinstance(value, str) else _json(value))
            status_once = status if number == 0 else ""
            indent = Text.assemble(INDENT, (f"{status_once:<6}", style), (f"{name:<{column}}", "dim"))
            self._wrap(indent, text, style=STYLES.get(text, ""))

    def rows(self, rows: Sequence[Sequence[Any]], status: int | str = "") -> None:
        """Each row on a line of its own, in columns, with the status before the first."""
        texts = [[self._shortened("" if cell is None else str(cell)) for cell in row] for row in rows]
        widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
        for number, row in enumerate(texts):
            cells = [(f"{cell:<{width}}", STYLES.get(cell, "")) for cell, width in zip(row, widths, strict=True)]
            line = Text("  ").join(Text(*cell) for cell in cells)
            line.rstrip()
            self._print(Text.assemble(INDENT, (f"{status if number == 0 else '':<6}", "green"), line))

    def tree(self, title: str, fields: Mapping[str, Any]) -> None:
        self._print(Text(self._shortened(title), "bold"))
        for number, (name, value) in enumerate(fields.items(), start=1):
            branch = "└── " if number == len(fields) else "├── "
            text = self._shortened(value if isinstance(value, str) else _json(value))
            self._wrap(Text.assemble((branch, "dim"), f"{name}: "), text, style=STYLES.get(text, ""))

    def _shortened(self, text: str) -> str:
        if not self._short:
            return text
        return re.sub("|".join(map(re.escape, self._short)), lambda match: self._short[match[0]], text)

    def _wrap(self, indent: str | Text, text: str, *, style: str = "") -> None:
        """Print text after the indent; an id, an ARN or an address that is too long stays in one piece."""
        room = max(self.console.width - len(indent), 20)
        lines = textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]
        for number, line in enumerate(lines):
            whole = line.replace(_NO_BREAK, " ")
            self._print(Text.assemble(indent if number == 0 else " " * len(indent), (whole, style)))

    def _print(self, text: Text) -> None:
        self.console.print(text, soft_wrap=True)


def _json(value: Any) -> str:
    # No line ends between a name and its value.
    return json.dumps(value, ensure_ascii=False, separators=(", ", f":{_NO_BREAK}"))
