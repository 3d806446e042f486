"""Unpacks what somebody has deployed: nothing of it may land outside the folder, or fill the disk.

Layers are other people's archives. Nothing is written through a link of theirs, because there is none while files are
written: links are made last, only where nothing is, each to what it really leads to. So it does not matter in which
order they come, in how many layers, and whether the file system tells `X` from `x`.
"""

import errno
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from fnrun.errors import CommandError

# Lambda's own limit is 250 MB, layers included: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BYTES = 300 * 1024 * 1024
MAX_ENTRIES = 200_000
_CHUNK = 1024 * 1024
_MAX_LINK = 4096
# Linux follows no more of them one after the other: https://man7.org/linux/man-pages/man7/path_resolution.7.html
_MAX_LINKS_IN_A_ROW = 40


class BadArchive(CommandError):
    def __init__(self, problem: str) -> None:
        super().__init__(f"The archive was not unpacked: it {problem}", "compare it with what was deployed")


class Unpacking:
    """Of one or more .zip archives, each over those before it, into an empty folder that nobody else writes to."""

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        """`max_bytes` of all archives together."""
        self._folder = folder
        self._left = max_bytes
        self._links: dict[Path, str] = {}

    def add(self, archive: Path) -> None:
        """Raises BadArchive, and then leaves what it has unpacked so far."""
        with _damage_explained(), zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MAX_ENTRIES:
                raise BadArchive(f"has more than {MAX_ENTRIES} entries")
            for entry in entries:
                self._add(opened, entry)

    def make_links(self) -> list[str]:
        """To be called once, last. Gives the names of those that are left out: they lead to nothing in the folder."""
        root = os.path.realpath(self._folder)
        left = self._links
        for _ in range(_MAX_LINKS_IN_A_ROW):
            # A link to a link is made after that one.
            not_yet = {link: leads_to for link, leads_to in left.items() if not _is_made(link, leads_to, root)}
            if len(not_yet) == len(left):
                break
            left = not_yet
        return [link.relative_to(self._folder).as_posix() for link in left]

    def _add(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
        target, mode = self._folder / _inside(entry.filename), entry.external_attr >> 16
        if stat.S_ISLNK(mode):
            # Its folder is made now: later there may be a link in its place.
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.is_file():
                target.unlink()
            self._links[target] = self._content(opened, entry, _MAX_LINK).decode()
        elif entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise BadArchive(f"holds {entry.filename!r}, which is neither a file nor a link")
        else:
            self._links.pop(target, None)
            self._write(opened, entry, target)
            target.chmod(0o755 if mode & 0o111 else 0o644)

    def _write(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(entry) as source, target.open("wb") as file:
            while chunk := source.read(_CHUNK):
                self._count(len(chunk))
                file.write(chunk)

    def _content(self, opened: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
        with opened.open(entry) as source:
            content = source.read(limit)
        self._count(len(content))
        return content

    def _count(self, size: int) -> None:
        """What is read: what the archive says of its sizes may be wrong."""
        self._left -= size
        if self._left < 0:
            raise BadArchive("is larger than anything that Lambda takes")


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or (os.name == "nt" and ":" in name):
        raise BadArchive(f"holds {name!r}, which is outside its folder")
    return path


def _is_made(link: Path, leads_to: str, root: str) -> bool:
    """Not if something else is there, or if it leads out, or to nothing."""
    with suppress(OSError, ValueError):
        real = os.path.realpath(link.parent / leads_to)
        if _is_inside(root, real) and os.path.lexists(real) and not os.path.lexists(link):
            to = os.path.relpath(real, os.path.realpath(link.parent))
            link.symlink_to(to, target_is_directory=Path(real).is_dir())
            return True
    return False


def _is_inside(root: str, path: str) -> bool:
    return path == root or path.startswith(root + os.sep)


@contextmanager
def _damage_explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _damaged(error) from None
    # zipfile lets through what its own reading of a damaged directory raises: an empty name is an IndexError.
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, RuntimeError, ValueError, struct.error) as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> BadArchive:
    return BadArchive(f"is damaged, or made in a way that cannot be read ({type(error).__name__})")
