"""Each relative link leads to a file of the repository and, if it names one, to a heading in it."""

import re
from pathlib import Path

import pytest

from infra import ROOT
from tests.docs.pages import PAGES, Link, anchors, name, prose, relative_links

# Files and folders that a page names in its text: `handlers/domain/errors.py`, `infra/api/`.
_PATH = re.compile(r"`((?:handlers|infra|tests|docs|requirements)/[\w./-]*)`")


@pytest.mark.parametrize("link", list(relative_links()), ids=str)
def test_a_link_leads_somewhere(link: Link) -> None:
    file, _, anchor = link.target.partition("#")
    target = (link.page.parent / file).resolve() if file else link.page
    assert target.exists()
    assert not anchor or anchor in anchors(target)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "CHANGELOG.md"], ids=name)
def test_a_path_in_the_text_exists(page: Path) -> None:
    assert [path for path in _PATH.findall(prose(page)) if not (ROOT / path).exists()] == []


def test_each_page_of_the_docs_is_reached_from_their_index() -> None:
    reached = {(link.page.parent / link.target.partition("#")[0]).resolve() for link in relative_links()}
    assert [name(page) for page in PAGES if page.parent != ROOT and page not in reached] == []
