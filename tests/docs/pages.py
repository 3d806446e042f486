"""The Markdown pages of the repository, and what is in them."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from infra import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "client").glob("*.md"), *(ROOT / "docs").rglob("*.md")])
TESTED = "sh tested"
"""The info string of a block of commands that is run by a test, against a running local stack."""
TESTED_SESSION = "console tested"
"""Of a block that shows what its commands print, too."""

_FENCE = re.compile(r"^ *```(?P<info>.*)\n(?P<text>(?:.*\n)*?) *```$", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6} (?P<text>.+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)")


class Link(NamedTuple):
    page: Path
    target: str

    def __str__(self) -> str:
        return f"{name(self.page)} → {self.target}"


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path, info: str) -> list[str]:
    return [block["text"] for block in _FENCE.finditer(page.read_text()) if block["info"] == info]


def runnable(page: Path) -> list[tuple[str, str]]:
    """The blocks that are run, in their order, each with its kind."""
    found = _FENCE.finditer(page.read_text())
    return [(block["info"], block["text"]) for block in found if block["info"] in (TESTED, TESTED_SESSION)]


def prose(page: Path) -> str:
    """The page without its blocks of code."""
    return _FENCE.sub("", page.read_text())


def relative_links() -> Iterator[Link]:
    for page in PAGES:
        for link in _LINK.finditer(prose(page)):
            if "://" not in link["target"]:
                yield Link(page, link["target"])


def anchors(page: Path) -> set[str]:
    """Those that a forge gives the headings: lower case, without punctuation, a hyphen for each space."""
    texts = (heading["text"].replace("`", "") for heading in _HEADING.finditer(prose(page)))
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}
