"""How the demo looks: colours in a terminal only, ids by short names, and never a line broken inside a word."""

import io
import json
import re
import shlex
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

WIDTH = 100
INDENT = " " * 4
OUTPUT_INDENT = " " * 4
ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SHOWN = 8
"""Characters of an id."""
_HEADER = re.compile(r" *[A-Z]+(?:  +[A-Z]+)+")
_HANGING = " " * 8
_NO_BREAK = "\N{NO-BREAK SPACE}"
STYLES = {"completed": "green", "failure": "red"}


class Printer:
    def __init__(self) -> None:
        on_terminal = sys.stdout.isatty()
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a character shows another one
        self.console = Console(force_terminal=None if on_terminal else False, highlight=False)
        self.console.width = min(WIDTH, self.console.width) if on_terminal else WIDTH
        self._sections = 0
        self._short: dict[str, str] = {}

    def abbreviate(self, name: str, short: str) -> None:
        self._short[name] = short

    def section(self, title: str) -> None:
        self._sections += 1
        self.heading(f"{self._sections}. {title}")

    def heading(self, text: str) -> None:
        self._print(Text(f"\n{f'── {text} ':─<{self.console.width}}", "bold cyan"))

    def say(self, sentence: str) -> None:
        self._print(Text())
        self._wrap("", sentence, style="italic")

    def command(self, who: str, program: str, arguments: Sequence[str]) -> None:
        """As it is typed in a shell; a line that is too long goes on after a backslash, never inside quotes."""
        typed = [shlex.quote(argument).replace(" ", _NO_BREAK) for argument in arguments]
        prompt = Text.assemble((f"{who} $ ", "magenta"), (f"{program} ", "bold"))
        lines = _lines(self._shortened(" ".join(typed)), self.console.width - len(prompt) - 2)
        for number, line in enumerate(lines):
            start = prompt if number == 0 else Text(" " * len(prompt))
            self._print(Text.assemble(start, line, " \\" if number < len(lines) - 1 else ""))

    def output(self, text: str) -> None:
        """What a command has printed, below it."""
        columns: list[int] = []
        table: list[list[str]] = []
        for line in [*text.rstrip().splitlines(), None]:
            if line and _HEADER.fullmatch(line):
                columns = [0, *(found.start() for found in re.finditer("[A-Z]+", line) if found.start())]
            if columns and line:
                ends = [*columns[1:], len(line)]
                table.append(
                    [self._shortened(line[start:end].rstrip()) for start, end in zip(columns, ends, strict=True)]
                )
                continue
            for each in _aligned(table):
                self._output_line(each)
            columns, table = [], []
            if line is not None:
                self._output_line(self._shortened(line))

    def _output_line(self, line: str) -> None:
        indent = OUTPUT_INDENT + " " * (len(line) - len(line.lstrip()))
        first, *others = _lines(line.strip(), self.console.width - len(indent) - len(_HANGING))
        self._print(Text(indent + first))
        for other in others:
            self._print(Text(indent + _HANGING + other))

    def request(self, who: str, method: str, path: str, headers: Mapping[str, str]) -> None:
        self._print(Text.assemble((f"{who}: ", "magenta"), (f"{method} ", "bold"), self._shortened(path)))
        for name, value in headers.items():
            self._wrap(OUTPUT_INDENT, f"{name}: {value}", style="dim")

    def answer(self, status: int | str, fields: Mapping[str, Any]) -> None:
        """The fields below each other, with the status before the first."""
        style = "red" if isinstance(status, int) and status >= 400 else "green"  # noqa: PLR2004 - HTTP's errors
        column = max(map(len, fields), default=0) + 2
        for number, (name, value) in enumerate(fields.items()):
            text = self._shortened(value if isinstance(value, str) else _json(value))
            status_once = status if number == 0 else ""
            indent = Text.assemble(INDENT, (f"{status_once:<6}", style), (f"{name:<{column}}", "dim"))
            self._wrap(indent, text, style=STYLES.get(text, ""))

    def _shortened(self, text: str) -> str:
        if not self._short:
            return text
        return re.sub("|".join(map(re.escape, self._short)), lambda match: self._short[match[0]], text)

    def _wrap(self, indent: str | Text, text: str, *, style: str = "") -> None:
        """Print text after the indent; an id, an ARN or an address that is too long stays in one piece."""
        for number, line in enumerate(_lines(text, self.console.width - len(indent))):
            self._print(Text.assemble(indent if number == 0 else " " * len(indent), (line, style)))

    def _print(self, text: Text) -> None:
        text.rstrip()
        self.console.print(text, soft_wrap=True)


def _lines(text: str, width: int) -> list[str]:
    lines = textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False) or [""]
    return [line.replace(_NO_BREAK, " ") for line in lines]


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _json(value: Any) -> str:
    # No line ends between a name and its value.
    return json.dumps(value, ensure_ascii=False, separators=(", ", f":{_NO_BREAK}"))
