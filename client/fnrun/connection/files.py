"""Files of the user's own: where they are, and how they are written so that nobody else ever reads them."""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PRIVATE = 0o600
_LOCK_POLL_SECONDS = 0.1


def config_directory() -> Path:
    """Profiles, tokens where there is no keyring, and the completion cache."""
    if named := os.environ.get("FNRUN_CONFIG_DIR"):
        return Path(named).expanduser()
    import typer

    return Path(typer.get_app_dir("fnrun"))


def write_private(file: Path, text: str) -> None:
    """Replace it as a whole: no reader sees half of it, and nobody but its owner reads it, at no time."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkstemp creates with mode 600, under a name that nobody can guess and occupy.
    handle, unfinished = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(text)
            opened.flush()
            os.fsync(opened.fileno())
        Path(unfinished).replace(file)
    except BaseException:
        Path(unfinished).unlink(missing_ok=True)
        raise


def is_wider_than_private(file: Path) -> bool:
    return os.name == "posix" and bool(file.stat().st_mode & ~PRIVATE & 0o777)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time. The lock ends with the process that holds it, however that ends."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with file.open("a") as opened:
        file.chmod(PRIVATE)
        if sys.platform == "win32":
            opened.seek(0)
            _lock_on_windows(opened.fileno())
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def _lock_on_windows(file: int) -> None:
    """Waits as long as it takes, and can be interrupted: LK_LOCK would give up after 10 s, and not be until then."""
    import msvcrt

    locking: Any = msvcrt  # which has these names on Windows only
    while True:
        try:
            locking.locking(file, locking.LK_NBLCK, 1)
        except PermissionError:
            time.sleep(_LOCK_POLL_SECONDS)
        else:
            return
