"""Ctrl-C at any moment: one line says what was sent, and what is known of it. With a real process and a real signal."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fnrun.errors import Exit

from tests.builders import RUN_ID, an_id
from tests.client.failing import FAILED, a_failed_run, a_started_batch, reruns_of
from tests.client.faults import Fault
from tests.client.server import Api

_CLIENT = Path(__file__).parents[2] / "client"
# Longer than the test takes, and nothing comes of it.
STUCK = Fault(delay_seconds=30, processed=False, answered="closed")
PASSES = Fault()


class Process:
    def __init__(self, api: Api, config: Path) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        named = {"URL": api.url, "TOKEN": api.token(), "WORKSPACE": "acme", "CONFIG_DIR": str(config)}
        self._environment = kept | {"PYTHONPATH": str(_CLIENT)} | {f"FNRUN_{key}": each for key, each in named.items()}
        self._process: subprocess.Popen[str] | None = None

    def start(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fnrun", *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interrupt(self) -> tuple[int, str, str]:
        """How it ends."""
        assert self._process is not None
        assert self._process.poll() is None
        self._process.send_signal(signal.SIGINT)
        out, log = self._process.communicate(timeout=10)
        return self._process.returncode, out, log

    def end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def process(api: Api, tmp_path: Path) -> Iterator[Process]:
    process = Process(api, tmp_path)
    yield process
    process.end()


def wait_until_stuck(api: Api) -> None:
    until = time.monotonic() + 20
    while api._faults:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_while_it_is_planned_nothing_was_sent(api: Api, process: Process) -> None:
    a_failed_run(api)
    api.inject(STUCK)
    process.start("rerun", FAILED, "--yes")
    wait_until_stuck(api)
    assert process.interrupt() == (Exit.INTERRUPTED, "", "fnrun: Interrupted: this run was not re-run.\n")


def test_while_it_is_sent_nobody_knows(api: Api, process: Process) -> None:
    a_failed_run(api)
    api.inject(PASSES, STUCK)
    process.start("rerun", FAILED, "--yes")
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    assert (code, out) == (Exit.INTERRUPTED, "")
    assert log.splitlines()[-1].startswith(
        f"fnrun: Interrupted: it is not known whether {FAILED} was re-run. Next: look with fnrun history {FAILED}, "
        "or send it again with --idempotency-key "
    )


def test_while_it_is_waited_for_it_goes_on(api: Api, process: Process) -> None:
    a_failed_run(api)
    api.inject(PASSES, PASSES, STUCK)
    process.start("rerun", FAILED, "--yes", "--wait")
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    [rerun] = reruns_of(api)
    assert code == Exit.INTERRUPTED
    assert out == f"{rerun.id}  re-run of {FAILED}\n"
    assert log.splitlines()[-1] == (
        f"fnrun: Interrupted: {rerun.id} was started and goes on. Next: fnrun runs show {rerun.id}"
    )


def test_of_a_replay_it_says_what_is_known_and_how_to_go_on(api: Api, process: Process) -> None:
    api.inject(*[PASSES] * 2, STUCK)
    process.start("replay", "--function", "orders import", "--yes", "-o", "json")
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    assert (code, out) == (Exit.INTERRUPTED, "")
    error = json.loads(log.splitlines()[-1])["error"]
    assert error["message"] == f"Interrupted: it is not known whether an experiment with {RUN_ID} was started"
    replay_id = log.splitlines()[1].removeprefix("replay ")
    assert error["next"] == (
        f"look with fnrun history {RUN_ID}; the same command with --resume {replay_id} goes on, and starts none of "
        "them again"
    )


def test_of_many_runs_each_is_accounted_for_and_the_document_is_whole(api: Api, process: Process) -> None:
    names = [an_id(number) for number in range(10, 14)]
    for name in names:
        a_failed_run(api, name)
    api.inject(*[PASSES] * 5, STUCK)
    process.start("rerun", *names, "--yes", "-o", "json")
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    assert code == Exit.INTERRUPTED
    started, also_started, unknown = json.loads(out)
    assert [started["jobId"], also_started["jobId"]] == [run.id for name in names for run in reruns_of(api, name)]
    assert (unknown["sourceRunId"], unknown["error"]["exitCode"]) == (names[2], Exit.INTERRUPTED)
    assert "it is not known whether" in unknown["error"]["message"]
    assert log == "The runs after this one were not asked for.\n"


@pytest.mark.parametrize(
    ("arguments", "passes", "said"),
    [
        (["execute", "import now"], 1, "it is not known whether a run was started"),
        (["cancel", RUN_ID], 0, f"it is not known whether {RUN_ID} was cancelled"),
        (["erase", RUN_ID, "--yes"], 0, f"it is not known whether the content of {RUN_ID} was erased"),
    ],
)
def test_whatever_changes_something_says_so(
    api: Api, process: Process, arguments: list[str], passes: int, said: str
) -> None:
    api.inject(*[PASSES] * passes, STUCK)
    process.start(*arguments)
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    assert (code, out) == (Exit.INTERRUPTED, "")
    assert log.startswith(f"fnrun: Interrupted: {said}. Next: look with fnrun runs ")
    assert log.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["runs", "list"], ["history", RUN_ID], ["runs", "show", RUN_ID], ["errors"], ["batch", "list"]]
)
def test_what_only_reads_ends_in_one_line(api: Api, process: Process, arguments: list[str]) -> None:
    api.inject(STUCK)
    process.start(*arguments)
    wait_until_stuck(api)
    assert process.interrupt() == (Exit.INTERRUPTED, "", "fnrun: Interrupted.\n")


def test_watching_ends_well(api: Api, process: Process) -> None:
    api.inject(PASSES, PASSES, STUCK)
    process.start("runs", "watch", "--every", "0.1")
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    assert (code, log) == (Exit.DONE, "\n")
    assert RUN_ID in out


def test_who_ends_watching_a_batch_reads_that_it_goes_on(api: Api, process: Process) -> None:
    a_failed_run(api)
    batch = a_started_batch(api)
    api.inject(PASSES, STUCK)
    process.start("batch", "watch", batch)
    wait_until_stuck(api)
    assert process.interrupt() == (
        Exit.INTERRUPTED,
        "",
        f"fnrun: Interrupted: the batch goes on. Next: fnrun batch watch {batch}, or fnrun batch pause {batch}\n",
    )


def test_who_interrupts_the_start_of_a_batch_reads_how_to_look(api: Api, process: Process) -> None:
    a_failed_run(api)
    # The plan, the names of functions, and the batch itself.
    api.inject(PASSES, PASSES, STUCK)
    process.start("batch", "start", FAILED, "--reason", "why", "--yes", "--idempotency-key", "a-key")
    wait_until_stuck(api)
    code, out, log = process.interrupt()
    assert (code, out) == (Exit.INTERRUPTED, "")
    assert log.splitlines()[-1] == (
        "fnrun: Interrupted: it is not known whether a batch was started. "
        "Next: look with fnrun batch list, or send it again with --idempotency-key a-key"
    )
