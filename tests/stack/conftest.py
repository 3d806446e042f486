from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS
from tests.checkouts import CONFIG, confirm
from tests.client.cli import Fnrun
from tests.stack.driver import Workspace


@pytest.fixture(scope="session")
def connection() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=PATIENCE_SECONDS, trust_env=False, limits=httpx.Limits(max_connections=50)) as client:
        yield client


@pytest.fixture
def workspace(local_stack: LocalStack, connection: httpx.Client) -> Workspace:
    """A workspace of the test's own, with a caller who may do everything in it."""
    return Workspace(local_stack, connection)


@pytest.fixture
def fnrun(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Fnrun:
    """In a folder like the checkout after `make up`: the local stack is found by itself."""
    (tmp_path / ".local").symlink_to(workspace.local_stack.emulator.directory)
    confirm(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / CONFIG))
    monkeypatch.setenv("FNRUN_TOKEN", workspace.local_stack.token("alice", [f"{workspace.name}/*:*"]))
    monkeypatch.setenv("FNRUN_WORKSPACE", workspace.name)
    for name in ("FNRUN_URL", "FNRUN_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return Fnrun(capsys)
