"""Deployment packages of functions."""

import io
import zipfile
from collections.abc import Mapping
from types import MappingProxyType


def package(code: str, others: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """A zip of the module `index` and of other files, by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in {"index.py": code, **others}.items():
            archive.writestr(name, text)
    return buffer.getvalue()
