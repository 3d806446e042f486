"""The callers of the demo: each request and its answer are printed, and the answer is checked."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Self, TypeVar

import httpx

from infra.local.demo.printer import Printer
from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS, wait_for

WORKSPACE = "acme"
COMPLETED = "completed"
FAILURE = "failure"
Seen = TypeVar("Seen")


class UnexpectedAnswerError(RuntimeError):
    """The product did not do what the story says."""


@dataclass(frozen=True)
class Answer:
    request: str
    status: int
    document: Mapping[str, Any]
    printer: Printer

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

    def shows(self, *paths: str) -> Self:
        self.printer.answer(self.status, {path.rpartition(".")[2]: self[path] for path in paths})
        return self

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
    """Someone with an access token."""

    def __init__(
        self, name: str, grants: Sequence[str], local_stack: LocalStack, http: httpx.Client, printer: Printer
    ) -> None:
        self.name = name
        self._api_url = local_stack.api_url
        self._headers = {"Authorization": f"Bearer {local_stack.token(name, grants)}"}
        self._http = http
        self._printer = printer

    def creates(self, kind: str, path: str, body: Any, *shown: str) -> str:
        """Gives the id of what was created."""
        created = self.posts(path, body, HTTPStatus.CREATED)
        self._printer.abbreviate(created["id"], f"{kind}-{created['id'][:8]}")
        return str(created.shows(*shown)["id"])

    def starts(self, path: str, body: Any, **headers: str) -> str:
        """Gives the id of the run that was accepted."""
        accepted = self.posts(path, body, HTTPStatus.ACCEPTED, **headers)
        self._printer.abbreviate(accepted["jobId"], f"run-{accepted['jobId'][:8]}")
        return str(accepted.shows("jobId", "message")["jobId"])

    def reruns(self, run: Answer, body: Any, **headers: str) -> str:
        return self.starts(f"/function-runs/{run['id']}/rerun", body, **headers)

    def looks_at(self, run_id: str, expected: str, include: str = "") -> Answer:
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
        return self.gets(f"{path}?include={include}" if include else path)

    def gets(self, path: str) -> Answer:
        self._printer.request(self.name, "GET", _address(WORKSPACE, path))
        return self._asks("GET", path)

    def asks(self, path: str) -> Answer:
        """Prints nothing: to wait for something."""
        return self._asks("GET", path)

    def posts(
        self, path: str, body: Any, expected: HTTPStatus, *, workspace: str = WORKSPACE, **headers: str
    ) -> Answer:
        self._printer.request(self.name, "POST", _address(workspace, path), body, headers)
        return self._asks("POST", path, body, expected, workspace=workspace, **headers)

    def deletes(self, *paths: str) -> None:
        for path in paths:
            self._printer.request(self.name, "DELETE", _address(WORKSPACE, path))
            self._asks("DELETE", path, expected=HTTPStatus.NO_CONTENT)
        self._printer.rows([[HTTPStatus.NO_CONTENT.phrase]], HTTPStatus.NO_CONTENT)

    def _asks(
        self,
        method: str,
        path: str,
        body: Any = None,
        expected: HTTPStatus = HTTPStatus.OK,
        *,
        workspace: str = WORKSPACE,
        **headers: str,
    ) -> Answer:
        request = f"{method} {_address(workspace, path)}"
        address = self._api_url + _address(workspace, path)
        response = self._http.request(method, address, json=body, headers=self._headers | headers)
        if response.status_code != expected:
            raise UnexpectedAnswerError(
                f"{request} should have been answered with {expected:d}, "
                f"but gave {response.status_code}: {response.text[:2000]}"
            )
        document = response.json() if response.content else {}
        return Answer(request, response.status_code, document, self._printer)


def _address(workspace: str, path: str) -> str:
    return f"/workspace/{workspace}/api/v1{path}"
