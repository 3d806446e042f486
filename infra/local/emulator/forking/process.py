"""A process that was forked elsewhere and whose parent is now this one."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO, Self

_LONGEST_PAUSE_SECONDS = 0.02


class Pipes:
    """Our ends of a process's standard streams, and the descriptors of its own ends."""

    def __init__(self, stdin: tuple[int, int], stdout: tuple[int, int], stderr: tuple[int, int]) -> None:
        self.theirs = [stdin[0], stdout[1], stderr[1]]
        self.stdin: IO[str] = os.fdopen(stdin[1], "w", buffering=1)
        self.stdout: IO[str] = os.fdopen(stdout[0])
        self.stderr: IO[str] = os.fdopen(stderr[0])

    @classmethod
    def open(cls) -> Self:
        return cls(os.pipe(), os.pipe(), os.pipe())

    def close_theirs(self) -> None:
        for handle in self.theirs:
            os.close(handle)


class ForkedProcess:
    """The part of `subprocess.Popen` that the emulator uses."""

    def __init__(self, command: Sequence[str], pid: int, pipes: Pipes) -> None:
        self.args, self.pid = command, pid
        self.stdin, self.stdout, self.stderr = pipes.stdin, pipes.stdout, pipes.stderr
        self.returncode: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None:
                ended, status = os.waitpid(self.pid, os.WNOHANG)
                if ended:
                    self.returncode = os.waitstatus_to_exitcode(status)
            return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.0005
        while (status := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        return status

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self.poll() is None:  # otherwise the number may belong to another process by now
            os.kill(self.pid, number)
