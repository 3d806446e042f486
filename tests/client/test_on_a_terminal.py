"""What somebody at a terminal sees: colours, questions, and what changes in place. On a real pseudo-terminal."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fnrun.errors import Exit

from tests.builders import RUN_ID
from tests.client.failing import FAILED, a_failed_run, a_started_batch, reruns_of
from tests.client.server import Api

_CLIENT = Path(__file__).parents[2] / "client"
RED, GREEN = "\x1b[31m", "\x1b[32m"


class Terminal:
    """`fnrun` on a terminal of 120 columns."""

    def __init__(self, api: Api, config: Path) -> None:
        named = {"URL": api.url, "TOKEN": api.token(), "WORKSPACE": "acme", "CONFIG_DIR": str(config)}
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_CLIENT), "TERM": "xterm", "COLUMNS": "120"}
        self.environment |= {f"FNRUN_{name}": value for name, value in named.items()} | {"LC_ALL": "C.UTF-8"}
        self.shown = ""

    def start(self, *arguments: str) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fnrun", *arguments],
            env=self.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def wait_for(self, text: str) -> None:
        until = time.monotonic() + 20
        while text not in self.shown:
            assert time.monotonic() < until, self.shown
            assert self._read(), self.shown

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        while self._read():
            pass
        return self._process.wait(timeout=10)

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=10)
        os.close(self._ours)

    def _read(self) -> bool:
        """False once the other end is closed, or says nothing more."""
        if not select.select([self._ours], [], [], 20)[0]:
            return False
        try:
            read = os.read(self._ours, 65_536)
        except OSError:  # Linux says so of an end that is closed
            return False
        self.shown += read.decode(errors="replace")
        return bool(read)


@pytest.fixture
def terminal(api: Api, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(api, tmp_path)
    yield terminal
    terminal.close()


def test_statuses_have_colours_unless_nobody_wants_them(api: Api, terminal: Terminal) -> None:
    a_failed_run(api)
    terminal.start("runs", "list")
    assert terminal.end() == Exit.DONE
    assert RED + "failure" in terminal.shown
    assert GREEN + "completed" in terminal.shown
    terminal.close()
    terminal.shown, terminal.environment["NO_COLOR"] = "", "1"
    terminal.start("runs", "list")
    assert terminal.end() == Exit.DONE
    assert FAILED in terminal.shown
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", terminal.shown)


def test_a_re_run_is_asked_about_and_followed_in_place(api: Api, terminal: Terminal) -> None:
    a_failed_run(api)
    terminal.start("rerun", FAILED, "--set", "order.total=30", "--wait")
    terminal.wait_for("Re-run it? [y/N]")
    assert re.search(r"\x1b\[31m20\x1b\[0m.*\x1b\[32m30\x1b\[0m", terminal.shown)
    terminal.type("perhaps\ny\n")
    terminal.wait_for("is pending")
    assert api.execute_pending() == 1
    assert terminal.end() == Exit.DONE
    [rerun] = reruns_of(api)
    assert "Please answer y or n:" in terminal.shown
    assert f"{rerun.id}  re-run of {FAILED}  completed" in terminal.shown


def test_ctrl_c_at_the_question_does_nothing(api: Api, terminal: Terminal) -> None:
    a_failed_run(api)
    terminal.start("rerun", FAILED)
    terminal.wait_for("Re-run it? [y/N]")
    terminal.interrupt()
    assert terminal.end() == Exit.INTERRUPTED
    assert "fnrun: Not answered: nothing was done." in terminal.shown
    assert not reruns_of(api)


def test_runs_are_watched_in_a_table_until_ctrl_c(api: Api, terminal: Terminal) -> None:
    terminal.start("runs", "watch", "--every", "0.1")
    terminal.wait_for(RUN_ID)
    a_failed_run(api)
    terminal.wait_for(FAILED)
    assert "Ctrl-C ends" in terminal.shown
    terminal.interrupt()
    assert terminal.end() == Exit.DONE
    assert "\x1b[?25h" in terminal.shown  # the cursor is there again
    assert "Traceback" not in terminal.shown


def test_a_batch_is_watched_in_place_to_its_end(api: Api, terminal: Terminal) -> None:
    a_failed_run(api)
    batch = a_started_batch(api)
    terminal.start("batch", "watch", batch, "--every", "0.1")
    terminal.wait_for("Ctrl-C ends watching: the batch goes on")
    assert "nothing is started yet" in terminal.shown
    with api.executing():
        assert terminal.end() == Exit.DONE
    shown = terminal.shown.rpartition(batch)[2]
    assert re.search(r"completed.*━{40}.*1 of 1.*completed 1", shown, re.DOTALL)
    assert "Ctrl-C" not in shown
    assert "\x1b[?25h" in terminal.shown


def test_a_batch_is_asked_about_with_its_plan(api: Api, terminal: Terminal) -> None:
    a_failed_run(api)
    terminal.start("batch", "start", "--error", "OrderInvalid", "--reason", "why")
    terminal.wait_for("Start this one re-run? [y/N]")
    assert "Plan of a batch of re-runs" in terminal.shown
    terminal.type("y\n")
    assert terminal.end() == Exit.DONE
    [batch] = api.world.batches.batches
    assert f"fnrun batch watch {batch}" in terminal.shown
