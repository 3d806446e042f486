"""The proxy between the Lambdas and the emulator: what it is to inject, and what it saw and injected."""

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import httpx

from infra import ROOT
from infra.local.emulator.process import HOST, Emulator, unproxied
from infra.local.waiting import wait_for
from tests.faults.kinds import Kind
from tests.faults.wire import COUNTED, Operation, kind_of

STOP_SECONDS = 5.0
_COUNTER = re.compile(r'microburst_faults_total\{service="(.*?)",operation="(.*?)",action="(.*?)"\} (\d+)')


class ProxyError(RuntimeError):
    """The proxy did not come up."""


class Seen(NamedTuple):
    """Calls since the start: those that were let pass, and those that met a fault."""

    passed: Counter[Operation]
    injected: Counter[tuple[Operation, Kind]]

    @property
    def operations(self) -> list[Operation]:
        return sorted({*self.passed, *(operation for operation, _ in self.injected)})


class Proxy:
    """Runs from `start`, or `with`, until `stop`; passes everything on until it is told to inject."""

    def __init__(self, emulator: Emulator, log: Path) -> None:
        self._upstream = emulator.url
        self._log = log
        # The emulator's way of finding a free port: nothing runs in it.
        self.url = f"http://{HOST}:{Emulator(log.parent).port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = unproxied()

    def start(self) -> Self:
        port = self.url.rpartition(":")[2]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.proxy_process", self._upstream, port],
                cwd=ROOT,
                env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._await_health(self._process)
            self.inject([])
        except BaseException:
            self.stop()
            raise
        return self

    def _await_health(self, process: "subprocess.Popen[bytes]") -> None:
        wait_for(lambda: self._is_healthy() or process.poll() is not None)
        if process.poll() is not None or not self._is_healthy():
            raise ProxyError(f"The proxy did not come up:\n{self._log.read_text(errors='replace')}")

    def _is_healthy(self) -> bool:
        try:
            return self._http.get(f"{self.url}/_microburst/health").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def inject(self, rules: Iterable[dict[str, Any]]) -> None:
        """From now on by these rules, and no others."""
        self._http.post(f"{self.url}/_microburst/rules", json=[*rules, COUNTED]).raise_for_status()

    def seen(self) -> Seen:
        passed: Counter[Operation] = Counter()
        injected: Counter[tuple[Operation, Kind]] = Counter()
        for service, name, action, times in _COUNTER.findall(self._http.get(f"{self.url}/_microburst/metrics").text):
            operation, kind = Operation(service, name), kind_of(action)
            if kind is None:
                passed[operation] += int(times)
            else:
                injected[operation, kind] += int(times)
        return Seen(passed, injected)

    def stop(self) -> None:
        self._http.close()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()
