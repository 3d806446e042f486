"""Who takes part in the demo: they type `fnrun`, and see what it prints. What it has done is checked over HTTP."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
from fnrun.connection import checkouts

from infra import ROOT
from infra.local.demo.printer import ID, SHOWN, Printer
from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS, wait_for

WORKSPACE = "acme"
COMPLETED = "completed"
FAILURE = "failure"
# How fnrun ends.
NOT_WELL, REFUSED, NOT_PERMITTED, STOPPED = 1, 3, 4, 9
Seen = TypeVar("Seen")
_SECRET = re.compile(r"whsec_\S+")
_STARTED = re.compile(f"^({ID})", re.MULTILINE)


class UnexpectedAnswerError(RuntimeError):
    """The product did not do what the demo expects."""


@dataclass(frozen=True)
class Answer:
    request: str
    document: Mapping[str, Any]

    def __getitem__(self, path: str) -> Any:
        """`result.total` → the total of the result."""
        value: Any = self.document
        for name in path.split("."):
            if not isinstance(value, dict) or name not in value:
                raise UnexpectedAnswerError(f"{self.request} should have given {path}, but gave {self.document}")
            value = value[name]
        return value

    def each(self, path: str) -> list["Answer"]:
        return [replace(self, document=entry) for entry in self[path]]

    def has(self, **expected: Any) -> Self:
        for name, value in expected.items():
            if self[name] != value:
                raise UnexpectedAnswerError(
                    f"{self.request} should have given {value!r} as {name}, but gave {self[name]!r}"
                )
        return self


def expect(look: Callable[[], Seen], until: Callable[[Seen], object], otherwise: Callable[[Seen], str]) -> Seen:
    """What `look` gives once it is `until`. Raises UnexpectedAnswerError, which says what it gave instead."""
    seen = wait_for(look, until)
    if not until(seen):
        raise UnexpectedAnswerError(f"{otherwise(seen)} after {PATIENCE_SECONDS:.0f} s")
    return seen


class DemoUser:
    """Somebody with an access token, in a shell of their own."""

    def __init__(
        self, name: str, grants: Sequence[str], local_stack: LocalStack, http: httpx.Client, printer: Printer
    ) -> None:
        self.name = name
        self._api_url = local_stack.api_url
        self._checkout = local_stack.emulator.directory.parent
        self._http = http
        self._printer = printer
        token = local_stack.token(name, grants)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "TZ", "LANG") if name in os.environ},
            "FNRUN_CONFIG_DIR": str(self._settings()),
            "FNRUN_PROFILE": "local",
            "FNRUN_TOKEN": token,
            "PYTHONPATH": str(ROOT / "client"),
            "PYTHONUTF8": "1",
        }

    def _settings(self) -> Path:
        """The folder of their own, in which the demo's stack is one that they have started."""
        folder = self._checkout / self.name
        folder.mkdir(exist_ok=True)
        (folder / checkouts.FILE).write_text(json.dumps([str(self._checkout.resolve())]))
        return folder

    def types(self, *arguments: str, code: int = 0) -> str:
        """What `fnrun` prints for these arguments. Raises UnexpectedAnswerError unless it ends with the code."""
        self._printer.command(self.name, "fnrun", arguments)
        ran = subprocess.run(
            [sys.executable, "-m", "fnrun", *arguments],
            cwd=self._checkout,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        for found in re.findall(ID, ran.stdout):
            self._printer.abbreviate(found, found[:SHOWN])
        for secret in _SECRET.findall(ran.stdout):
            self._printer.abbreviate(secret, f"{secret[:9]}…")
        self._printer.output(ran.stdout)
        if ran.returncode != code:
            command = shlex.join(["fnrun", *arguments])
            raise UnexpectedAnswerError(
                f"{command} should have ended with {code}, but ended with {ran.returncode}: {ran.stdout[:2000]}"
            )
        return ran.stdout

    def starts(self, *arguments: str, code: int = 0) -> str:
        """The id of the run that the command has started."""
        printed = self.types(*arguments, code=code)
        started = _STARTED.findall(printed)
        if not started:
            raise UnexpectedAnswerError(f"fnrun {arguments[0]} should have named a run, but printed {printed}")
        return str(started[-1])

    def deploys(self, sample: str) -> None:
        folder = f"infra/local/samples/{sample}"
        self.types("local", "deploy", folder, "--handler", "function.handler", "--name", "orders")

    def sees(self, run_id: str, expected: str, include: str = "") -> Answer:
        """The run, once it has ended as expected."""
        path = f"/function-runs/{run_id}"
        run = expect(
            lambda: self.asks(path),
            lambda run: run["status"] not in ("pending", "running"),
            lambda run: f"The run {run_id} is still {run['status']}",
        )
        if run["status"] != expected:
            ended = f"{run['status']} (errorCode {run['errorCode']})"
            raise UnexpectedAnswerError(f"The run {run_id} should have ended as {expected}, but is {ended}")
        return self.asks(f"{path}?include={include}") if include else run

    def asks(self, path: str) -> Answer:
        """What the API says of a path, for a check: nothing is printed."""
        path = f"/workspace/{WORKSPACE}/api/v1{path}"
        return self._answer("GET", path, self._http.get(self._api_url + path, headers=self._headers))

    def sends(self, path: str, body: Mapping[str, Any]) -> Answer:
        """As another program of theirs does: nothing is printed."""
        path = f"/workspace/{WORKSPACE}/api/v1{path}"
        return self._answer("POST", path, self._http.post(self._api_url + path, headers=self._headers, json=body))

    def _answer(self, method: str, path: str, response: httpx.Response) -> Answer:
        if response.is_error:
            raise UnexpectedAnswerError(f"{method} {path} gave {response.status_code}: {response.text[:2000]}")
        return Answer(f"{method} {path}", response.json())
