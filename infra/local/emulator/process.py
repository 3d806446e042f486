"""The process of the AWS emulator: its port, its environment, its start and its end."""

import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import boto3
import botocore.session
import httpx
from botocore.config import Config

from infra import ROOT
from infra.local.waiting import PATIENCE_SECONDS, wait_for
from infra.local_connection import CREDENTIALS, ISOLATED, is_healthy

ENTRY_POINT = "infra.local.emulator"
HOST = "127.0.0.1"
REGION = "us-east-1"
STOP_SECONDS = 10.0
"""Then it is killed."""


class EmulatorError(RuntimeError):
    """The emulator did not come up, or could not be stopped."""


class Emulator:
    """Starts on `start` or `with`; `stop` also ends the emulator's Lambda workers.

    `directory` receives its log, its state and its temporary files. Everything it emulates is lost when it stops.
    """

    def __init__(self, directory: Path, *, port: int | None = None, pid: int | None = None) -> None:
        """With `port` and `pid`: the emulator that another process has started in that directory."""
        self.directory = directory.resolve()
        self.port = port or _free_port()
        self.pid = pid
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: dict[str, Any] = {}

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "emulator.log"

    @property
    def state(self) -> Path:
        return self.directory / "state"

    def start(self) -> Self:
        temporary = self.directory / "tmp"
        for needed in (self.state, temporary):
            needed.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", ENTRY_POINT],
                cwd=ROOT,
                env=_environment(self.port, self.state, temporary),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid
        try:
            self._await_health(self._process)
        except BaseException:
            self.stop()
            raise
        return self

    def _await_health(self, process: "subprocess.Popen[bytes]") -> None:
        came = wait_for(lambda: self.is_healthy() or process.poll() is not None)
        if process.poll() is not None:
            raise EmulatorError(f"The emulator ended with status {process.returncode} while starting:\n{self._tail()}")
        if not came:
            raise EmulatorError(f"The emulator was not ready after {PATIENCE_SECONDS:.0f} s:\n{self._tail()}")

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-25:])

    def is_healthy(self) -> bool:
        return is_healthy(self.url)

    def stop(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self.pid is not None:
            stop_by_pid(self.pid)
        if self._process is not None:
            self._process.wait()  # it has ended: this only lets Popen know
        self.pid = self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def client(self, service: str) -> Any:
        """A boto3 client that ignores the caller's environment and AWS configuration, and never retries."""
        with _MAKING_A_CLIENT:
            if service not in self._clients:
                self._clients[service] = self._new_client(service)
            return self._clients[service]

    def _new_client(self, service: str) -> Any:
        return _isolated_session().client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            **CREDENTIALS,
            config=Config(
                proxies={},
                retries={"total_max_attempts": 1},
                read_timeout=900,
                max_pool_connections=50,
                s3={"addressing_style": "path"},
            ),
        )


# Clients may be shared between threads, the session that makes them may not.
_MAKING_A_CLIENT = threading.Lock()


@functools.cache
def _isolated_session() -> Any:
    core: Any = botocore.session.Session(session_vars=ISOLATED)
    return boto3.Session(botocore_session=core)


def unproxied() -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=PATIENCE_SECONDS)


def stop_by_pid(pid: int) -> None:
    """Stop an emulator that any process has started, with all its workers; nothing happens if it is gone already."""
    if not is_emulator(pid):
        return
    os.kill(pid, signal.SIGTERM)
    if not wait_for(lambda: not is_emulator(pid), seconds=STOP_SECONDS):
        os.kill(pid, signal.SIGKILL)
    # The emulator leads a process group of its own, so what is left in the group are its Lambda workers.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    if not wait_for(lambda: not is_emulator(pid)):
        raise EmulatorError(f"The emulator (process {pid}) does not end.")


def is_emulator(pid: int) -> bool:
    """Whether `pid` is a running emulator, and not another process that has since been given the same number."""
    return f"-m {ENTRY_POINT}" in _command_line(pid)


def _command_line(pid: int) -> str:
    """Empty, or without arguments, once the process has ended, even if its parent has not waited for it yet."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    # -ww, because ps otherwise cuts the line at a terminal's width.
    ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _environment(port: int, state: Path, temporary: Path) -> dict[str, str]:
    """All that the emulator sees of the caller's environment.

    Its Lambda workers inherit it. There is no PYTHONPATH: a function finds only its package and installed packages.
    """
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "TMPDIR": str(temporary),
        "STATE_DIR": str(state),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "PYTHONUTF8": "1",
    }
