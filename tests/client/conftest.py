from pathlib import Path

import pytest

from tests.client.cli import Fnrun


@pytest.fixture
def fnrun(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fnrun:
    """A command line whose settings are in a folder of its own, and that has found no stack yet."""
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "config"))
    for name in ("URL", "TOKEN", "PROFILE", "WORKSPACE"):
        monkeypatch.delenv(f"FNRUN_{name}", raising=False)
    return Fnrun(capsys)
