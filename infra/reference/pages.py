"""Which pages are generated, or have a generated part."""

from infra import ROOT
from infra.reference.api import errors_table, methods_table, openapi_json
from infra.reference.command_line import commands_list
from infra.reference.models import models_py
from infra.reference.page import GeneratedFile, GeneratedPage
from infra.reference.settings import settings_table

_DIRECTORY = ROOT / "docs" / "reference"

PAGES: list[GeneratedPage | GeneratedFile] = [
    GeneratedPage(_DIRECTORY / "settings.md", settings_table),
    GeneratedPage(_DIRECTORY / "api.md", methods_table),
    GeneratedPage(_DIRECTORY / "errors.md", errors_table),
    GeneratedFile(_DIRECTORY / "openapi.json", openapi_json),
    GeneratedPage(_DIRECTORY / "command-line.md", commands_list),
    GeneratedFile(ROOT / "client" / "function_rerun" / "models.py", models_py),
]
