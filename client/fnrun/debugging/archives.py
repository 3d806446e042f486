"""Unpacks what somebody has deployed: nothing of it may land outside the folder, or fill the disk."""

import errno
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from fnrun.errors import CommandError

# Lambda's own limit is 250 MB, layers included: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MAX_BYTES = 300 * 1024 * 1024
MAX_ENTRIES = 200_000
_CHUNK = 1024 * 1024
_MAX_LINK = 4096


class BadArchive(CommandError):
    def __init__(self, problem: str) -> None:
        super().__init__(f"The archive was not unpacked: it {problem}", "compare it with what was deployed")


def unpack(archive: Path, folder: Path, *, max_bytes: int = MAX_BYTES) -> list[str]:
    """Unpack a .zip archive over what is in the folder; gives the links that lead out of it, which are left out.

    Raises BadArchive, and then leaves what it has unpacked so far.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            if len(entries) > MAX_ENTRIES:
                raise BadArchive(f"has more than {MAX_ENTRIES} entries")
            links = _unpack_files(opened, entries, folder, max_bytes)
        return _make_links(links, folder)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _damaged(error) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, ValueError) as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> BadArchive:
    return BadArchive(f"is damaged, or made in a way that cannot be read ({type(error).__name__})")


def _unpack_files(
    opened: zipfile.ZipFile, entries: list[zipfile.ZipInfo], folder: Path, max_bytes: int
) -> dict[str, str]:
    """Gives the links, by their names: they are made when nothing can be written through them any more."""
    links: dict[str, str] = {}
    left = max_bytes
    for entry in entries:
        target, mode = folder / _inside(entry.filename), entry.external_attr >> 16
        if stat.S_ISLNK(mode):
            links[entry.filename] = opened.open(entry).read(_MAX_LINK).decode()
        elif entry.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        elif stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            raise BadArchive(f"holds {entry.filename!r}, which is neither a file nor a link")
        else:
            left -= _unpack_file(opened, entry, target, left)
            target.chmod(0o755 if mode & 0o111 else 0o644)
    return links


def _inside(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or (os.name == "nt" and ":" in name):
        raise BadArchive(f"holds {name!r}, which is outside its folder")
    return path


def _unpack_file(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Counts what is written: what the archive says of its sizes may be wrong."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():  # of a layer below
        target.unlink()
    written = 0
    with opened.open(entry) as source, target.open("wb") as file:
        while chunk := source.read(_CHUNK):
            written += len(chunk)
            if written > left:
                raise BadArchive("is larger than anything that Lambda takes")
            file.write(chunk)
    return written


def _make_links(links: dict[str, str], folder: Path) -> list[str]:
    root = os.path.realpath(folder)
    made: list[tuple[str, Path]] = []
    for name, leads_to in links.items():
        link = folder / _inside(name)
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink() or link.is_file():
            link.unlink()
        elif link.is_dir():
            shutil.rmtree(link)
        link.symlink_to(leads_to)
        made.append((name, link))
    # One by one each may stay inside, and lead out together with another: so they are followed once all are there.
    outside = [(name, link) for name, link in made if not _is_inside(root, os.path.realpath(link))]
    for _, link in outside:
        link.unlink()
    return [name for name, _ in outside]


def _is_inside(root: str, path: str) -> bool:
    return path == root or path.startswith(root + os.sep)
