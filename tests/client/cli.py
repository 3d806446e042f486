"""`fnrun` in the tests' own process: what it prints, and how it ends."""

import json
from typing import Any, NamedTuple

import pytest
from fnrun.main import main


class Ended(NamedTuple):
    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        return json.loads(self.stdout)


class Fnrun:
    """Called with what a person would type after `fnrun`."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str) -> Ended:
        self._capture.readouterr()
        code = main([*map(str, arguments)])
        return Ended(code, *self._capture.readouterr())
