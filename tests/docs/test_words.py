"""Docs and code use the words of AWS, Stripe and Temporal, and not words that have to be learnt here."""

import io
import re
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from infra import ROOT
from tests.docs.pages import PAGES, name, prose

# A word to be learnt here, and the field's word for it.
BETTER = {
    r"doors?": "entry point",
    r"laptops?": "local stack, your machine",
    r"told": "published, informed, said",
    r"heed(s|ed)?": "process",
    r"afresh": "again",
    r"anew": "again",
    r"whoever heeds": "consumer",
    r"shel(f|ves)": "index, store",
    r"which nobody may": "cannot be",
    r"of which AWS": "AWS reports",
    r"nobody says so": "by default",
    r"keep(s|ing)? house": "housekeeping",
}
BETTER_IN_CODE = BETTER | {r"fates?": "result", r"announc(e|es|ed|ing)": "publish"}
# The sentences that name tests may use these verbs.
BETTER_IN_TESTS = {word: better for word, better in BETTER_IN_CODE.items() if word not in ("told", "anew")}
SOURCES = sorted(
    path
    for package in ("client", "handlers", "infra", "tests")
    for path in (ROOT / package).rglob("*.py")
    if path != Path(__file__).resolve()
)
# Python 3.12 tokenizes f-strings into their parts.
_READ = {tokenize.NAME, tokenize.STRING, tokenize.COMMENT, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


def found_in(text: str, better: Mapping[str, str] = BETTER) -> list[str]:
    words = (
        (match[0], advice)
        for word, advice in better.items()
        for match in re.finditer(rf"\b{word}\b", text, re.IGNORECASE)
    )
    return [f"{word}: rather {advice}" for word, advice in words]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name)
def test_a_page_uses_the_words_of_the_field(page: Path) -> None:
    assert found_in(prose(page)) == []


@pytest.mark.parametrize("source", SOURCES, ids=name)
def test_code_uses_the_words_of_the_field(source: Path) -> None:
    better = BETTER_IN_TESTS if source.is_relative_to(ROOT / "tests") else BETTER_IN_CODE
    assert found_in("\n".join(_texts(source)), better) == []


def _texts(source: Path) -> Iterator[str]:
    """Names, comments and strings, with a space between the words of a name."""
    for token in tokenize.generate_tokens(io.StringIO(source.read_text()).readline):
        if token.type in _READ:
            yield re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", token.string)
