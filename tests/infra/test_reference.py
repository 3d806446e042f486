"""The generated pages of the docs are those that the code gives."""

import pytest

from handlers.api.catalogue import OPERATIONS
from infra.reference.page import GeneratedFile, GeneratedPage
from infra.reference.pages import PAGES
from infra.reference.remedies import REMEDIES
from infra.settings import Settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_a_generated_page_is_up_to_date(page: GeneratedPage | GeneratedFile) -> None:
    assert page.path.read_text() == page.expected(), "run: make reference"


def test_each_error_says_what_to_do() -> None:
    assert {error for each in OPERATIONS for error in each.all_refusals} == REMEDIES.keys()


def test_each_setting_has_a_text() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
