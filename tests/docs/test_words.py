"""The docs and the docstrings use the words of AWS, Stripe and Temporal, and not words that have to be learnt here."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import ROOT
from tests.docs.pages import PAGES, name, prose

# A word of the house, and the field's word for it.
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
_WORDS = {re.compile(rf"\b{word}\b", re.IGNORECASE): better for word, better in BETTER.items()}
SOURCES = sorted(path for room in ("handlers", "infra") for path in (ROOT / room).rglob("*.py"))


def found_in(text: str) -> list[str]:
    return [f"{match[0]}: rather {better}" for word, better in _WORDS.items() for match in word.finditer(text)]


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name)
def test_a_page_uses_the_words_of_the_field(page: Path) -> None:
    assert found_in(prose(page)) == []


@pytest.mark.parametrize("source", SOURCES, ids=name)
def test_docstrings_use_the_words_of_the_field(source: Path) -> None:
    assert [found for text in _docstrings(source) for found in found_in(text)] == []


def _docstrings(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
