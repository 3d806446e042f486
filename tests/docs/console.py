"""A session on a page: commands after `$ `, and below each what it prints, shortened.

What differs each time is compared by its kind: ids (on the page their first eight digits), moments and durations. `…`
stands for anything, in a line or for lines.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

_ID = r"(?<![0-9a-f])[0-9a-f]{8}(?![0-9a-f])"
_KINDS = (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?", r"\d+(?:\.\d+)? m?s\b", r"\s+")
_TOKEN = re.compile(f"({_ID})|(…)|" + "|".join(f"({kind})" for kind in _KINDS))


class Step(NamedTuple):
    command: str
    shown: list[str]


def steps(block: str) -> Iterator[Step]:
    for entry in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *shown = re.sub(r"\\\n", " ", entry).splitlines()
        yield Step(command.partition("  #")[0], shown)


class Session:
    """Knows which id each one on the page stands for."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def real(self, command: str) -> str:
        """With this machine's ids; names of files have their first eight digits only."""
        whole = re.sub(rf"(?<!_){_ID}", lambda found: self._ids.get(found[0], found[0]), command)
        return re.sub(rf"(?<=_){_ID}", lambda found: self._ids.get(found[0], found[0])[:8], whole)

    def lines_missing(self, shown: list[str], printed: str) -> list[str]:
        """Lines on the page that were not printed, or not in this order."""
        missing, rest = [], printed.splitlines()
        for line in shown:
            if line.strip() in ("", "…"):
                continue
            at = next((at for at, each in enumerate(rest) if self._is_shown_as(line.strip(), each.strip())), None)
            if at is None:
                missing.append(line)
            else:
                rest = rest[at + 1 :]
        return missing

    def _is_shown_as(self, shown: str, printed: str) -> bool:
        parts, unknown, at = [], [], 0
        for token in _TOKEN.finditer(shown):
            parts.append(re.escape(shown[at : token.start()]))
            at = token.end()
            if token[1] is None:
                parts.append(".*?" if token[2] else _KINDS[(token.lastindex or 0) - 3])
            elif token[1] in self._ids:
                parts.append(re.escape(self._ids[token[1]][:8]))
            else:
                unknown.append(token[1])
                parts.append(rf"({_ID}[-0-9a-f]*)")
        found = re.fullmatch("".join([*parts, re.escape(shown[at:])]), printed)
        if found:
            self._ids |= dict(zip(unknown, found.groups(), strict=True))
        return found is not None
