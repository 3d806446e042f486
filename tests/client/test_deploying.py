"""What `fnrun local deploy` checks and packs, before anything is made."""

import io
import os
import zipfile
from pathlib import Path

import pytest
from fnrun.deploying import package, source
from fnrun.deploying.command import REMEMBERED_SECONDS
from fnrun.errors import CommandError, Exit

from handlers.aws import function_code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "app.py").write_text("import os\n\n\ndef handler(event, context):\n    return event\n")
    return tmp_path / "orders"


def names(packed: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(packed)).namelist()


@pytest.mark.parametrize(
    ("code", "handler"),
    [
        ("def handler(event, context): ...", "app.handler"),
        ("try:\n    from fast import handler\nexcept ImportError:\n    handler = None", "app.handler"),
        ("from other import *", "app.handler"),
        ("class handler: ...", "app.handler"),
    ],
)
def test_a_handler_that_lambda_would_find_is_taken(folder: Path, code: str, handler: str) -> None:
    (folder / "app.py").write_text(code)
    source.check_handler(folder, handler)


@pytest.mark.parametrize("handler", ["src.app.handler", "src/app.handler", "src.handler"])
def test_a_handler_may_be_in_a_package(folder: Path, handler: str) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "__init__.py").write_text("handler = print")
    (folder / "app.py").rename(folder / "src" / "app.py")
    source.check_handler(folder, handler)


@pytest.mark.parametrize(
    ("code", "handler", "message", "next_step"),
    [
        (None, "handler", "'handler' is no handler", "app.handler"),
        (None, "app.my handler", "is no handler", "app.handler"),
        (None, "main.handler", "There is no main.py in", "name one of its modules: app"),
        (None, "app.main", "app.py has no function 'main'", "name one of these: handler"),
        ("x = 1", "app.handler", "has no function 'handler'", "define it"),
        ("def f():\n    handler = 1", "app.handler", "has no function 'handler'", "name one of these: f"),
        ("def handler(:\n", "app.handler", "app.py is not Python, line 1", "correct it"),
        ("\0", "app.handler", "app.py is not Python", "correct it"),
    ],
)
def test_a_handler_that_lambda_would_not_find_is_a_wrong_command_line(
    folder: Path, code: str | None, handler: str, message: str, next_step: str
) -> None:
    if code is not None:
        (folder / "app.py").write_text(code)
    with pytest.raises(CommandError) as refused:
        source.check_handler(folder, handler)
    assert message in refused.value.message
    assert next_step in refused.value.next_step
    assert (refused.value.exit_code, "\n" in refused.value.message) == (Exit.USAGE, False)


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no folder .*/absent"):
        source.check_handler(tmp_path / "absent", "app.handler")


def test_a_function_is_named_like_its_folder_unless_it_has_a_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    assert (source.name_for(Path(), None), source.name_for(Path(), "mine")) == ("orders", "mine")
    with pytest.raises(CommandError, match="cannot be the name"):
        source.name_for(Path(), "my orders")


def test_variables_come_from_the_command_line_and_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("# of the shop\n\nURL='http://shop'\n  TOKEN=a=b \nEMPTY=\n")
    assert source.environment([], None) is None
    assert source.environment(["TOKEN=other"], file) == {"URL": "'http://shop'", "TOKEN": "other", "EMPTY": ""}
    assert source.environment(["A1= 'kept' "], None) == {"A1": " 'kept' "}


@pytest.mark.parametrize("line", ["s3cret", "1S3CRET=1", "=s3cret", "s3 cret=1", "export S3CRET=1"])
def test_a_variable_that_is_none_is_refused_without_showing_it(tmp_path: Path, line: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"A1=1\n{line}\n")
    for given, name in (([line], None), ([], file)):
        with pytest.raises(CommandError, match="is not NAME=VALUE") as refused:
            source.environment(given, name)
        assert "cret" not in refused.value.message.lower()


def test_a_package_has_the_same_bytes_whatever_the_dates_and_leaves_out_what_is_not_code(folder: Path) -> None:
    before = package.zipped(folder)
    os.utime(folder / "app.py", (0, 0))
    for left_out in (".git", ".venv", "__pycache__", ".local", "node_modules"):
        (folder / "deeper" / left_out).mkdir(parents=True)
        (folder / "deeper" / left_out / "file.py").touch()
    for of_a_run in ("old.pyc", "run_53bb97f2.json", "test_run_53bb97f2.py"):
        (folder / of_a_run).touch()
    (folder / "RUN-53bb97f2" / "code").mkdir(parents=True)
    (folder / "RUN-53bb97f2" / "event.json").touch()
    assert package.zipped(folder) == before
    assert names(before) == ["app.py"]


def test_the_folder_s_own_files_win_over_installed_ones(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "installed").mkdir()
    for name in ("app.py", "library.py"):
        (tmp_path / "installed" / name).write_text("installed")
    packed = package.zipped(tmp_path / "installed", folder)
    assert names(packed) == ["app.py", "library.py"]
    assert b"def handler" in zipfile.ZipFile(io.BytesIO(packed)).read("app.py")


def test_links_are_followed_but_not_for_ever(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "library.py").touch()
    (folder / "shared").symlink_to(tmp_path / "shared")
    (folder / "again").symlink_to(folder)
    (folder / "broken").symlink_to(tmp_path / "absent")
    assert names(package.zipped(folder)) == ["app.py", "shared/library.py"]


def test_a_package_that_lambda_would_refuse_is_not_read(folder: Path) -> None:
    with (folder / "model.bin").open("wb") as file:
        file.truncate(251 * 1024 * 1024)
    with pytest.raises(CommandError, match="would have 251 MB, and Lambda takes 250"):
        package.zipped(folder)


def test_an_update_is_over_once_the_service_has_forgotten_the_code_from_before() -> None:
    assert function_code.CACHE_SECONDS == REMEMBERED_SECONDS
