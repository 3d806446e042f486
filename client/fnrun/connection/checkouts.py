"""Checkouts of Function Re-run on this machine, and which of them may have a program run or be sent a request.

Whatever is cloned has its user's id, and may bring a `.local/stack.json` and a `.venv` of its own. So that a checkout
lies around the current directory says nothing: either `fnrun` came from it, or its user has started a stack there.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from fnrun.connection.files import config_directory, locked, write_private
from fnrun.errors import CommandError, Exit

FILE = "checkouts.json"


def checkouts() -> Iterator[Path]:
    """Where one may be, the nearest first: this directory, those above it, and where `fnrun` came from."""
    here = Path.cwd()
    yield from (here, *here.parents)
    if source := _installed_from():
        yield source


def is_confirmed(checkout: Path) -> bool:
    real = checkout.resolve()
    return str(real) in _started() or ((source := _installed_from()) is not None and real == source.resolve())


def register(checkout: Path) -> None:
    """Its user starts a stack there. Raises OSError."""
    if is_confirmed(checkout):
        return
    with locked(config_directory() / "checkouts.lock"):
        kept = [each for each in _started() if Path(each).is_dir()]
        write_private(config_directory() / FILE, json.dumps([*kept, str(checkout.resolve())]) + "\n")


def unconfirmed(checkout: Path) -> CommandError:
    return CommandError(
        f"You have started no stack in {checkout}, so nothing of it is run and nothing is sent to it",
        "if you trust it, run fnrun local up there",
        Exit.NOT_PERMITTED,
    )


def _started() -> list[str]:
    try:
        kept = json.loads((config_directory() / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [each for each in kept if isinstance(each, str)] if isinstance(kept, list) else []


def _installed_from() -> Path | None:
    """That whose `client` pip took: https://packaging.python.org/en/latest/specifications/direct-url/."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        described = json.loads(distribution("fnrun").read_text("direct_url.json") or "{}")
        url = urlsplit(described.get("url", ""))
    except (PackageNotFoundError, ValueError, AttributeError):
        return None
    return Path(unquote(url.path)).parent if url.scheme == "file" and "dir_info" in described else None
