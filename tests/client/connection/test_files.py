"""The lock of fnrun's own files."""

import errno
import sys
import threading
import time
from pathlib import Path
from types import ModuleType

import pytest
from fnrun.connection.files import locked


class Msvcrt(ModuleType):
    """Windows' locks, held by another process for so many attempts."""

    LK_LOCK, LK_NBLCK = 1, 2

    def __init__(self, attempts: int) -> None:
        super().__init__("msvcrt")
        self.attempts = attempts

    def locking(self, _file: int, mode: int, _size: int) -> None:
        self.attempts -= 1
        if self.attempts >= 0:
            # As LK_LOCK does after 10 s.
            raise OSError(errno.EACCES if mode == self.LK_NBLCK else errno.EDEADLK, "held")


def test_on_windows_too_it_waits_for_as_long_as_another_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt(attempts=400))
    with monkeypatch.context() as on_windows:
        on_windows.setattr(sys, "platform", "win32")
        with locked(tmp_path / "lock"):
            assert sum(slept) > 30


def test_one_waits_for_another(tmp_path: Path) -> None:
    begun, events = threading.Event(), []

    def second() -> None:
        begun.set()
        with locked(tmp_path / "lock"):
            events.append("second")

    thread = threading.Thread(target=second)
    with locked(tmp_path / "lock"):
        thread.start()
        begun.wait(5)
        events.append("first")
    thread.join(5)
    assert events == ["first", "second"]
