"""What was deployed is unpacked into its folder, and nowhere else, whatever it says of itself."""

import contextlib
import stat
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from fnrun.debugging import archives
from fnrun.debugging.archives import MAX_BYTES, BadArchive, Unpacking
from hypothesis import given
from hypothesis import strategies as st

LINK = stat.S_IFLNK | 0o777
FILE = stat.S_IFREG | 0o644


def packed(file: Path, entries: Mapping[str, tuple[int, bytes]]) -> Path:
    """An archive of these names, each with its mode and its content."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (mode, content) in entries.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr, entry.compress_type = mode << 16, zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return file


def unpack(*archives_: Path, to: Path, max_bytes: int = MAX_BYTES) -> list[str]:
    unpacking = Unpacking(to, max_bytes=max_bytes)
    for each in archives_:
        unpacking.add(each)
    return unpacking.make_links()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in" / "folder"
    made.mkdir(parents=True)
    return made


def below(folder: Path) -> list[str]:
    return sorted(str(each.relative_to(folder)) for each in folder.rglob("*"))


def test_files_links_and_modes_are_as_they_were_packed(tmp_path: Path, folder: Path) -> None:
    entries = {
        "app.py": (FILE, b"print()"),
        "bin/": (stat.S_IFDIR | 0o755, b""),
        "bin/tool": (stat.S_IFREG | stat.S_ISUID | 0o777, b"#!"),
        "lib.so": (LINK, b"lib/lib.so.1"),
        "lib/lib.so.1": (0, b"elf"),
        "bin/app.py": (LINK, b"../app.py"),
    }
    assert unpack(packed(tmp_path / "a.zip", entries), to=folder) == []
    assert below(folder) == ["app.py", "bin", "bin/app.py", "bin/tool", "lib", "lib.so", "lib/lib.so.1"]
    assert (folder / "lib.so").read_bytes() == b"elf"
    assert (folder / "bin/app.py").read_bytes() == b"print()"
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in ("app.py", "bin/tool", "lib/lib.so.1")}
    assert modes == {"app.py": 0o644, "bin/tool": 0o755, "lib/lib.so.1": 0o644}


@pytest.mark.parametrize(
    "name", ["../evil", "a/../../evil", "/evil", "//evil", "..", "a/..", "..\\evil", "C:\\evil", "a\\..\\..\\evil"]
)
def test_a_name_that_is_outside_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    for mode in (FILE, LINK):
        with pytest.raises(BadArchive, match="outside its folder"):
            unpack(packed(tmp_path / "a.zip", {name: (mode, b"x")}), to=folder)
    assert below(tmp_path) == ["a.zip", "in", "in/folder"]


Layer = Mapping[str, tuple[int, bytes]]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Somebody's home directory, in which the folder is."""
    (tmp_path / "Documents").mkdir()
    (tmp_path / "Documents" / "thesis.txt").write_text("precious")
    (tmp_path / ".bashrc").write_text("PATH=/bin")
    return tmp_path


def state(place: Path, folder: Path) -> dict[str, str]:
    """Of everything in the place but the folder, archives aside: what is at each path."""
    found = {}
    for each in place.rglob("*"):
        if not each.is_relative_to(folder) and each.suffix != ".zip":
            link = str(each.readlink()) if each.is_symlink() else ""
            found[str(each)] = link or (each.read_text() if each.is_file() else "a folder")
    return found


def leading_out(folder: Path) -> list[str]:
    """The links in it that lead out of it."""
    return [str(each) for each in folder.rglob("*") if not each.resolve().is_relative_to(folder.resolve())]


def unpacked(layers: Sequence[Layer], place: Path, folder: Path) -> list[str]:
    """The links that are left out. Nothing outside the folder has changed, and nothing in it leads there."""
    before = state(place, folder)
    files = [packed(place / f"{at}.zip", entries) for at, entries in enumerate(layers)]
    left_out: list[str] = []
    with contextlib.suppress(BadArchive):
        left_out = unpack(*files, to=folder)
    assert state(place, folder) == before
    assert leading_out(folder) == []
    return left_out


@pytest.mark.parametrize(
    "links",
    [
        {"link": b"/etc"},
        {"link": b"../.."},
        {"link": b"a/../../../x"},
        # Each stays inside, and leads out through the other.
        {"d1/d2/top": b"../..", "link": b"d1/d2/top/../x"},
        {"link": b"/proc/self/cwd"},
        # Made through another, which leads out.
        {"link": b"../..", "link/Documents": b"y", "link/.bashrc": b"/etc/passwd", "link/new": b"/etc/passwd"},
        {"link": b"HOME", "link/Documents": b"y", "link/.bashrc": b"/etc/passwd"},
        # To itself, to each other, and to nothing.
        {"link": b"link"},
        {"link": b"other", "other": b"link"},
        {"link": b"absent"},
        {"link": b"nul\0"},
    ],
)
def test_links_that_lead_out_are_left_out(outside: Path, folder: Path, links: dict[str, bytes]) -> None:
    entries = {name: (LINK, to.replace(b"HOME", str(outside).encode())) for name, to in links.items()}
    left_out = unpacked([{**entries, "app.py": (FILE, b"")}], outside, folder)
    assert "link" in left_out
    assert not (folder / "link").is_symlink()
    assert (folder / "app.py").is_file()


@pytest.mark.parametrize("first", ["link", "link/evil"])
def test_nothing_is_written_through_a_link(outside: Path, folder: Path, first: str) -> None:
    """Whichever comes first: the link, or the file below it; in one layer, or each in one of its own."""
    entries: Layer = {"link": (LINK, b"../../Documents"), "link/thesis.txt": (FILE, b"x"), "link/evil": (FILE, b"x")}
    ordered = {first: entries[first], **entries}
    unpacked([ordered], outside, folder)
    (outside / "second").mkdir()
    unpacked([{name: entry} for name, entry in ordered.items()], outside, outside / "second")


def test_a_later_layer_turns_no_link_of_an_earlier_one(outside: Path, folder: Path) -> None:
    """Where the folder of a link's target becomes a link itself, the target is elsewhere."""
    first: Layer = {"d/e/f": (FILE, b"1"), "a": (LINK, b"d/e/../..")}
    unpacked([first, {"d/e": (LINK, b".")}, {"a/PWNED": (FILE, b"x")}], outside, folder)


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "..", "."]), min_size=1, max_size=5).map("/".join)
ENTRIES = st.one_of(
    st.just((FILE, b"x")), st.builds(lambda to: (LINK, to.encode()), st.one_of(TARGETS, st.just("../../Documents")))
)


@given(st.lists(st.dictionaries(NAMES, ENTRIES, max_size=6), min_size=1, max_size=4))
def test_no_number_of_layers_reaches_what_is_outside(
    tmp_path_factory: pytest.TempPathFactory, layers: list[Layer]
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / "Documents").mkdir()
    (home / "Documents" / "a").write_text("precious")
    (home / "in" / "folder").mkdir(parents=True)
    unpacked(layers, home, home / "in" / "folder")


def test_links_to_links_and_to_folders_are_kept_whatever_their_order(tmp_path: Path, folder: Path) -> None:
    entries: Layer = {
        "lib/lib.so": (LINK, b"lib.so.1"),
        "lib/lib.so.1": (LINK, b"./lib.so.1.2"),
        "lib/lib.so.1.2": (FILE, b"elf"),
        "opt/lib64": (LINK, b"../lib"),
        "also": (LINK, b"opt/lib64/lib.so"),
    }
    assert unpack(packed(tmp_path / "a.zip", entries), to=folder) == []
    folder = folder.rename(tmp_path / "elsewhere")
    for name in ("lib/lib.so", "lib/lib.so.1", "opt/lib64/lib.so.1", "also"):
        assert (folder / name).read_bytes() == b"elf"


def test_a_layer_replaces_the_files_and_links_of_those_before_it(tmp_path: Path, folder: Path) -> None:
    first = packed(tmp_path / "a.zip", {"a": (FILE, b"1"), "b": (LINK, b"a"), "c": (FILE, b"1"), "d": (LINK, b"c")})
    second = packed(tmp_path / "b.zip", {"b": (FILE, b"2"), "c": (LINK, b"a"), "d": (LINK, b"b")})
    assert unpack(first, second, to=folder) == []
    assert {name: (folder / name).read_bytes() for name in "abcd"} == {"a": b"1", "b": b"2", "c": b"1", "d": b"2"}
    assert (folder / "c").is_symlink()


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
def test_what_is_neither_file_nor_link_is_refused(tmp_path: Path, folder: Path, kind: int) -> None:
    with pytest.raises(BadArchive, match="neither a file nor a link"):
        unpack(packed(tmp_path / "a.zip", {"odd": (kind | 0o666, b"")}), to=folder)


def test_what_would_fill_the_disk_is_stopped_at_lambda_s_own_limit(tmp_path: Path, folder: Path) -> None:
    bomb = packed(tmp_path / "a.zip", {f"{at}": (FILE, bytes(400_000)) for at in range(3)})
    assert bomb.stat().st_size < 3_000
    with pytest.raises(BadArchive, match="larger than anything that Lambda takes"):
        unpack(bomb, to=folder, max_bytes=1_000_000)
    assert sum(each.stat().st_size for each in folder.iterdir()) <= 1_000_000


def test_layers_count_together(tmp_path: Path, folder: Path) -> None:
    layer = packed(tmp_path / "a.zip", {"a": (FILE, bytes(400))})
    with pytest.raises(BadArchive, match="larger than anything that Lambda takes"):
        unpack(layer, layer, layer, to=folder, max_bytes=1_000)


def test_the_sizes_that_an_archive_claims_are_not_believed(tmp_path: Path, folder: Path) -> None:
    bomb = packed(tmp_path / "a.zip", {"a": (FILE, bytes(400_000))})
    content = bomb.read_bytes()
    bomb.write_bytes(content.replace(struct.pack("<I", 400_000), struct.pack("<I", 4)))
    with pytest.raises(BadArchive):
        unpack(bomb, to=folder, max_bytes=1_000)
    assert sum(each.stat().st_size for each in folder.iterdir()) <= 1_000


def test_too_many_entries_are_refused(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_ENTRIES", 2)
    with pytest.raises(BadArchive, match="more than 2 entries"):
        unpack(packed(tmp_path / "a.zip", dict.fromkeys("abc", (FILE, b""))), to=folder)
    assert below(folder) == []


def test_a_file_where_a_folder_is_wanted_is_one_clear_error(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(BadArchive, match=r"cannot be read \((NotADirectoryError|FileExistsError)\)"):
        unpack(packed(tmp_path / "a.zip", {"a": (FILE, b""), "a/b": (FILE, b"")}), to=folder)


@given(st.binary(max_size=200), st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_whatever_is_damaged_is_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, damage: bytes
) -> None:
    place = tmp_path_factory.mktemp("damaged")
    (place / "folder").mkdir()
    good = packed(place / "a.zip", {"a.py": (FILE, b"x" * 50), "b": (LINK, b"a.py")}).read_bytes()
    for content in (junk, good[:at], good[:at] + damage + good[at + len(damage) :]):
        (place / "a.zip").write_bytes(content)
        with contextlib.suppress(BadArchive):
            unpack(place / "a.zip", to=place / "folder")
    assert {each.name for each in place.iterdir()} == {"a.zip", "folder"}
