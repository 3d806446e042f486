import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.local.cli import app
from infra.local.demo import demo_stack
from infra.local.demo.printer import WIDTH
from infra.local.deploy import DeployError
from infra.local.interrupts import SIGNALS
from infra.local.waiting import PATIENCE_SECONDS
from tests.infra.local.processes import members_of, processes


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The demo's temporary files and nobody else's; a proxy that answers nothing must not matter."""
    return {**os.environ, "TMPDIR": str(tmp_path), "HTTP_PROXY": "http://127.0.0.1:1", "COLUMNS": "40"}


def run_demo(environment: dict[str, str], *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *(command or ("-m", "infra.local", "demo"))],
        env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
    )  # fmt: skip


def leaders_under(parent: int) -> list[int]:
    """The children that lead a process group of their own, as the emulator does with its Lambda workers."""
    return [each.id for each in processes() if each.parent == parent and each.group == each.id]


def emulator_of(output: str) -> int:
    named = re.search(r"\(process (\d+)\)", output)
    assert named
    return int(named[1])


def test_the_demo_runs_to_its_end_and_leaves_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    ran = run_demo(environment)
    assert (ran.returncode, ran.stderr) == (0, "")
    [original] = set(
        re.findall(r"^    Original Run \(([0-9a-f]{8})\)  failure  ZeroDivisionError$", ran.stdout, re.MULTILINE)
    )
    moment = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
    tree = f"""
    Re-run 1 \\([0-9a-f]{{8}}\\)  completed
    ├── isRerun: true
    ├── originalRunId: {original}
    ├── rerunBy: alice
    ├── reason: The stickers are 1 EUR each
    ├── code: version 1, as its source
    ├── parameters: /items/0/price  0 → 1
    └── ended: {moment}
    Re-run 2 \\([0-9a-f]{{8}}\\)  completed
    ├── isRerun: true
    ├── originalRunId: {original}
    ├── rerunBy: bob
    ├── reason: Testing the fix
    ├── code: version 1 → 2, today's
    └── ended: {moment}
"""
    assert re.search(tree, ran.stdout)
    lines = ran.stdout.splitlines()
    for expected in (
        f"bob $ fnrun rerun {original} --latest --reason 'Testing the fix' --even-if-recovered --plan",
        "    verdict: code",
        "    recovered    no",
        "      today's code  the code differs, its configuration is the same",
    ):
        assert expected in lines
    assert max(map(len, lines)) <= WIDTH
    assert not any(line.endswith(" ") or "\x1b" in line or "\r" in line for line in lines)
    assert members_of(emulator_of(ran.stdout)) == []
    assert list(tmp_path.iterdir()) == []


def test_an_unexpected_answer_ends_the_demo_and_keeps_the_logs(environment: dict[str, str], tmp_path: Path) -> None:
    imports = "from infra.local import cli; from infra.local.demo import demo"
    ran = run_demo(environment, "-c", f"{imports}; demo.FREE_ITEMS[0]['price'] = 5; cli.app(['demo'])")
    assert ran.returncode == 1
    assert "should have ended with 1, but ended with 0" in ran.stderr
    assert "Traceback" not in ran.stderr
    [kept] = tmp_path.iterdir()
    assert f"Logs: {kept}/*.log" in ran.stderr
    assert "processing order A-1002" in (kept / "lambdas.log").read_text()
    assert (kept / "emulator.log").exists()
    assert members_of(emulator_of(ran.stdout)) == []


@pytest.mark.parametrize(("ending", "at"), [(signal.SIGTERM, "Deploying FunctionRerun")])
def test_ending_it_early_leaves_nothing(
    environment: dict[str, str], tmp_path: Path, ending: signal.Signals, at: str
) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "infra.local", "demo"],
        env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        start_new_session=True,
    ) as demo:  # fmt: skip
        giving_up = threading.Timer(PATIENCE_SECONDS, demo.kill)
        giving_up.start()
        try:
            assert demo.stdout is not None
            assert any(at in line for line in demo.stdout)
            [emulator] = leaders_under(demo.pid)
            demo.send_signal(ending)
            demo.send_signal(ending)  # impatient
            rest = demo.stdout.read()
        finally:
            giving_up.cancel()
    assert "Interrupted. Everything is stopped." in rest
    assert "Traceback" not in rest
    assert demo.returncode == 128 + ending
    assert members_of(emulator) == members_of(demo.pid) == []
    assert list(tmp_path.iterdir()) == []


def test_a_stack_that_does_not_come_up_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def no_stack(*_: Any, **__: Any) -> Any:
        raise DeployError("FunctionRerun is ROLLBACK_COMPLETE")

    monkeypatch.setattr(demo_stack, "bring_up", no_stack)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = [signal.getsignal(each) for each in SIGNALS]
    ran = CliRunner().invoke(app, ["demo"])
    assert ran.exit_code == 1
    assert f"The demo failed. FunctionRerun is ROLLBACK_COMPLETE\nLogs: {tmp_path}/" in ran.stderr
    assert [signal.getsignal(each) for each in SIGNALS] == before
