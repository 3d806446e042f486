"""Starts the processes of Python functions: by fork, where the function cannot notice; see `server`.

Not on macOS, where a process that has loaded the system's frameworks must not be forked without an exec
(https://github.com/python/cpython/issues/77906), and only on Linux can the emulator adopt such a process.
"""

import contextlib
import ctypes
import functools
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local.emulator.forking import server as fork_server
from infra.local.emulator.forking.process import ForkedProcess, Pipes
from infra.local.waiting import PATIENCE_SECONDS

_PR_SET_CHILD_SUBREAPER = 36
"""https://man7.org/linux/man-pages/man2/PR_SET_CHILD_SUBREAPER.2const.html"""
# Prefixes of what the interpreter, the loader or a preloaded package reads at its start, which is before a fork.
_READ_AT_START = (
    *("PYTHON", "LD_", "LANG", "LC_", "MALLOC_", "OPENSSL_", "SSL_"),
    *("AWS_EXECUTION_ENV", "AWS_NEW_RETRIES", "POWERTOOLS_DE", "PYDANTIC_", "WRAPT_"),
)
_LAYERS = "_LAMBDA_LAYERS_DIRS"


def start_process(command: Sequence[str], *, cwd: str, env: Mapping[str, str], **options: Any) -> Any:
    """`subprocess.Popen(command, …)` with three text pipes, or a forked process that behaves the same.

    `command` is the interpreter and the worker's script, `cwd` the directory of the function's package.
    """
    server = _server()
    if server is not None and server.suits(Path(cwd), env):
        with contextlib.suppress(OSError, ValueError):  # the server is gone, or could not fork
            return server.fork(command, cwd=cwd, env=env)
    return subprocess.Popen(command, cwd=cwd, env=env, **options)


class ForkServer:
    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(PATIENCE_SECONDS)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, fork_server.__file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        with self._socket.makefile("rb") as sent:
            self._preloaded = frozenset(json.loads(sent.readline() or b"[]"))

    def suits(self, package: Path, env: Mapping[str, str]) -> bool:
        """Whether the function cannot notice a fork.

        It must not set a variable that is read at the start, nor bring a module of its own in place of a preloaded one:
        at the top of its package, or, for installed ones, in any folder, which it may put first on its path.
        """
        changed = {name for name in env.keys() | os.environ.keys() if env.get(name) != os.environ.get(name)}
        if _LAYERS in env or any(name.startswith(_READ_AT_START) for name in changed):
            return False
        at_top = {entry.name.partition(".")[0] for entry in package.iterdir()}
        anywhere = {entry.name.partition(".")[0] for entry in package.rglob("*")}
        installed = self._preloaded - sys.stdlib_module_names
        return not (at_top & self._preloaded or anywhere & installed)

    def fork(self, command: Sequence[str], *, cwd: str, env: Mapping[str, str]) -> ForkedProcess:
        """Raises OSError or ValueError if there is no process."""
        request = json.dumps({"argv": list(command[1:]), "cwd": cwd, "env": dict(env)}).encode()
        ours, theirs = socket.socketpair()
        with contextlib.ExitStack() as opened:
            pipes = Pipes.open()
            opened.callback(pipes.close_theirs)
            opened.enter_context(ours)
            with theirs, self._lock:
                socket.send_fds(self._socket, [b"+"], [*pipes.theirs, theirs.fileno()])
            ours.settimeout(PATIENCE_SECONDS)
            ours.sendall(request)
            ours.shutdown(socket.SHUT_WR)
            with ours.makefile("rb") as answer:
                return ForkedProcess(command, int(answer.read()), pipes)


_STARTING = threading.Lock()


def _server() -> ForkServer | None:
    with _STARTING:
        return _started_server()


@functools.cache
def _started_server() -> ForkServer | None:
    return ForkServer() if sys.platform == "linux" and _adopts_descendants() else None


def _adopts_descendants() -> bool:
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
