"""Deployment packages of functions."""

import io
import zipfile
from collections.abc import Mapping
from types import MappingProxyType


def package(code: str, others: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """A zip of the module `index` and of other files, by their names."""
    return packed({"index.py": code, **others})


def packed(files: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()
