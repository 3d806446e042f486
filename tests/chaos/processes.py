"""The deployed Lambdas of the service: which way they speak to AWS, and the processes they run in."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from infra.local.local_stack import STACK, LocalStack
from tests.stack.driver import until

ENDPOINT = "AWS_ENDPOINT_URL"


class LambdaProcesses:
    def __init__(self, local_stack: LocalStack) -> None:
        self._client: Any = local_stack.client("lambda")
        self._emulator_pid = local_stack.emulator.pid
        pages = self._client.get_paginator("list_functions").paginate()
        every = [function["FunctionName"] for page in pages for function in page["Functions"]]
        self.names = sorted(name for name in every if name.startswith(f"{STACK}-"))

    @contextmanager
    def speaking_through(self, endpoint: str) -> Iterator[None]:
        """The Lambdas speak to AWS by way of this endpoint. Changing a Lambda's environment ends its processes."""
        before = {name: self._configuration(name)["Environment"]["Variables"] for name in self.names}
        try:
            self._update({name: variables | {ENDPOINT: endpoint} for name, variables in before.items()})
            yield
        finally:
            self._update(before)

    def _update(self, environments: dict[str, dict[str, str]]) -> None:
        for name, variables in environments.items():
            self._client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        for name in environments:
            until(partial(self._is_up_to_date, name))

    def _is_up_to_date(self, name: str) -> bool:
        return bool(self._configuration(name)["LastUpdateStatus"] == "Successful")

    def _configuration(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get_function_configuration(FunctionName=name)
        return found

    def kill(self, name: str) -> int:
        """End the Lambda's processes at once, whatever they are at; gives how many there were."""
        killed = 0
        for pid in self._processes().get(name, []):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed += 1
        return killed

    def alive(self) -> list[str]:
        """The Lambdas that have a process."""
        return sorted(self._processes().keys() & set(self.names))

    def _processes(self) -> dict[str, list[int]]:
        """The emulator's children by the function they serve, after which the directory of its package is named."""
        found: dict[str, list[int]] = {}
        for pid, parent, text in every_process():
            named = re.search(r"/ministack-lambda-([\w-]+)-\w{8}/code\b", text)
            if named and parent == self._emulator_pid:
                found.setdefault(named[1], []).append(pid)
        return found


def every_process() -> Iterator[tuple[int, int, str]]:
    """Each with its parent and, among other text, its working directory, so far as we may see it."""
    return of_proc() if Path("/proc/self/cwd").exists() else of_ps()


def of_proc() -> Iterator[tuple[int, int, str]]:
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # processes come and go meanwhile
            parent = int((directory / "stat").read_text().rpartition(")")[2].split()[1])
            yield int(directory.name), parent, str((directory / "cwd").readlink())


def of_ps() -> Iterator[tuple[int, int, str]]:
    # Of a process that was not forked, the environment names the directory too.
    ps = ["/bin/ps", "axeww", "-o", "pid=,ppid=,command="]
    for line in subprocess.run(ps, capture_output=True, text=True, check=True).stdout.splitlines():
        pid, parent, text = line.split(maxsplit=2)
        yield int(pid), int(parent), text
