from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client.cli import Fnrun
from tests.client.server import Api, api_server
from tests.entry_points.in_memory import a_world


@pytest.fixture
def fnrun(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fnrun:
    """A command line whose settings are in a folder of its own, and that has found no stack yet."""
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("URL", "TOKEN", "PROFILE", "WORKSPACE"):
        monkeypatch.delenv(f"FNRUN_{name}", raising=False)
    return Fnrun(capsys)


@pytest.fixture
def as_alice(fnrun: Fnrun, api: Api, monkeypatch: pytest.MonkeyPatch) -> Fnrun:
    """The command line of somebody who may do everything in the workspace of `api`."""
    for name, value in {"URL": api.url, "TOKEN": api.token(), "WORKSPACE": "acme"}.items():
        monkeypatch.setenv(f"FNRUN_{name}", value)
    return fnrun


@pytest.fixture
def api() -> Iterator[Api]:
    """The API over a world in which a run has completed: its function, its trigger, and an open webhook."""
    with api_server(a_world()) as api:
        yield api
