"""The version of a function, as it is typed."""

import re

from fnrun.errors import UsageFault

_VERSION = re.compile(r"[1-9][0-9]{0,18}|\$LATEST")


def check_version(typed: str | None, *, option: str) -> None:
    """Raises UsageFault."""
    if typed is not None and not _VERSION.fullmatch(typed):
        raise UsageFault(f"{option} is not the number of a version", f"write {option} 8")
