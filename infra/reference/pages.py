"""Which pages have a generated part."""

from infra.paths import ROOT
from infra.reference.page import GeneratedPage
from infra.reference.settings import settings_table

_DIRECTORY = ROOT / "docs" / "reference"

PAGES = [GeneratedPage(_DIRECTORY / "settings.md", settings_table)]
