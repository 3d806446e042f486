"""docs/reference/storage.md names the indexes and attributes that there are."""

import re

from pydantic.alias_generators import to_camel

from handlers.aws import run_attributes
from infra import ROOT
from infra.storage import INDEXES

PAGE = (ROOT / "docs" / "reference" / "storage.md").read_text()


def rows(heading: str) -> list[tuple[str, ...]]:
    """The cells, in code, of the first table under a heading."""
    assert f"{heading}\n" in PAGE, heading
    table = PAGE.partition(f"{heading}\n")[2].partition("|---")[2].partition("\n\n")[0]
    return [tuple(re.findall(r"`([^`]+)`", line)) for line in table.splitlines()[1:]]


def test_every_index_is_on_the_page() -> None:
    assert {name: (partition, sort) for name, partition, sort, *_ in rows("## Indexes")} == INDEXES


def test_every_attribute_of_a_run_is_on_the_page() -> None:
    tables = (run_attributes.FIELDS, run_attributes.PIN, run_attributes.NOTES)
    written = {to_camel(field): attribute for table in tables for field, (attribute, _) in table.items()}
    assert {field: attribute for field, attribute, *_ in rows("## The run's item")} == written
