"""Calls a function's handler in a process of its own, and says what came of it in Lambda's terms."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from fnrun.debugging import runner
from fnrun.debugging.environment import function_environment
from fnrun.debugging.function_version import FunctionVersion
from fnrun.debugging.outcome import TIMED_OUT, Outcome

INIT_SECONDS = 10.0
"""What Lambda gives the function's module to be imported, besides the function's own timeout."""
DEBUGGING_SECONDS = 900
"""The longest timeout that a function can have: what it believes to have left while a debugger holds it."""
_POLL_SECONDS = 0.05
# Isolated from the caller's variables and packages; no __pycache__ in the code, which is read-only on AWS; unbuffered.
_OPTIONS = ("-I", "-B", "-u", "-X", "utf8")
# So that a debugger sees breakpoints in what Python has compiled into itself.
_WITH_DEBUGGER = ("-X", "frozen_modules=off")
_ENDINGS = [each for each in signal.Signals if each.name in ("SIGTERM", "SIGHUP")]
"""Of a terminal that is closed, for one: the function is in a session of its own, and would not hear of them."""
STDERR = 2


@dataclass(frozen=True, kw_only=True)
class Call:
    """What is called, and how."""

    version: FunctionVersion
    code: Path
    layers: Path
    event: Path
    """The file with the parameters."""
    custom: Mapping[str, str]
    """What the service puts into the client context."""
    python: Path
    sees_installed_packages: bool = False
    """The local stack's functions find whatever is installed for their Python, those of AWS only what AWS has there."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    debugpy_port: int | None = None


def call(what: Call) -> Outcome:
    """Whatever the function writes goes to this process's stderr. Its process group is gone when this returns."""
    with tempfile.TemporaryDirectory(prefix="fnrun-", ignore_cleanup_errors=True) as folder:
        scratch = Path(folder).resolve()
        invocation = _invocation(what, scratch)
        file = scratch / "invocation.json"
        file.write_text(json.dumps(invocation))
        environment = function_environment(
            what.version, code=what.code, scratch=scratch, own=what.variables, credentials=what.credentials
        )
        options = (*_OPTIONS, *_WITH_DEBUGGER) if what.debugpy_port else _OPTIONS
        command = [str(what.python), *options, runner.__file__, str(file)]
        with _process_group(command, cwd=what.code, environment=environment) as process:
            status = _wait(process, what, Path(invocation["startedFile"]))
        return _outcome(what, status, Path(invocation["answerFile"]), invocation["requestId"])


def is_free(port: int) -> bool:
    """Whether a debugger can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _invocation(what: Call, scratch: Path) -> dict[str, Any]:
    return {
        "handler": what.version.handler,
        "taskRoot": str(what.code),
        "layerRoot": str(what.layers),
        "eventFile": str(what.event),
        "startedFile": str(scratch / "started"),
        "answerFile": str(scratch / "answer.json"),
        "requestId": str(uuid4()),
        "functionArn": what.version.arn,
        "clientContext": {"custom": dict(what.custom)},
        "timeoutSeconds": DEBUGGING_SECONDS if what.debugpy_port else what.version.timeout_seconds,
        "seesInstalledPackages": what.sees_installed_packages,
        "debugpyPort": what.debugpy_port,
    }


@contextlib.contextmanager
def _process_group(
    command: list[str], *, cwd: Path, environment: Mapping[str, str]
) -> "Iterator[subprocess.Popen[bytes]]":
    """However it ends, none of the processes that it has started stays behind."""
    process = subprocess.Popen(  # noqa: S603 - the interpreter that was looked for, and a script of this package
        command,
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=STDERR,
        stderr=STDERR,
        start_new_session=True,
    )
    try:
        with _interrupted_by(_ENDINGS):
            yield process
    finally:
        # The group may outlive its leader.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def _interrupted_by(signals: Iterable[signal.Signals]) -> Iterator[None]:
    """These raise KeyboardInterrupt, too."""
    if threading.current_thread() is not threading.main_thread():  # others cannot set handlers
        yield
        return
    before = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _wait(process: "subprocess.Popen[bytes]", what: Call, started: Path) -> int | None:
    """The exit status; None if its time is over."""
    deadline, is_started = time.monotonic() + INIT_SECONDS + what.version.timeout_seconds, False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(_POLL_SECONDS)
        if not is_started and started.exists():
            deadline, is_started = time.monotonic() + what.version.timeout_seconds, True
        if what.debugpy_port is None and time.monotonic() >= deadline:
            return None


def _outcome(what: Call, status: int | None, answer: Path, request_id: str) -> Outcome:
    if answer.exists() and status is not None:
        document = json.loads(answer.read_text(encoding="utf-8"))
        return Outcome.of_result(document["result"]) if "result" in document else Outcome.of_error(document["error"])
    if status is None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        sentence = f"{at} {request_id} Task timed out after {what.version.timeout_seconds:.2f} seconds"
        return Outcome("timeout", TIMED_OUT, error={"errorType": TIMED_OUT, "errorMessage": sentence})
    reason = (
        f"Runtime exited with error: {_exit_reason(status)}" if status else "Runtime exited without providing a reason"
    )
    return Outcome.of_error(
        {"errorType": "Runtime.ExitError", "errorMessage": f"RequestId: {request_id} Error: {reason}"}
    )


def _exit_reason(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    # The words of Go, in which AWS's supervisor is written.
    words = {signal.SIGKILL: "killed", signal.SIGSEGV: "segmentation fault", signal.SIGABRT: "aborted"}
    return f"signal: {words.get(signal.Signals(-status), signal.Signals(-status).name)}"
