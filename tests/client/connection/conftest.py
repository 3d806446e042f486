import base64
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fnrun.connection.checkouts import register
from keyring.errors import KeyringLocked

MakeToken = Callable[..., str]


@pytest.fixture
def make_token() -> MakeToken:
    """A JWT that nobody has signed; `expires_in` in seconds, other claims as they are."""

    def make(*, expires_in: float = 3600, **claims: Any) -> str:
        now = int(time.time())
        described = {"sub": "alice", "iat": now, "exp": now + expires_in, **claims}
        parts = ({"alg": "RS256"}, described)
        return ".".join([*(_encoded(json.dumps(part).encode()) for part in parts), _encoded(b"a signature")])

    return make


class Keyring(ModuleType):
    """The system's, in memory. With a fault it raises that."""

    def __init__(self) -> None:
        super().__init__("keyring")
        self.kept: dict[tuple[str, str], str] = {}
        self.fault: Exception | None = None
        self.may_be_changed = True

    def get_password(self, service: str, user: str) -> str | None:
        self._check()
        return self.kept.get((service, user))

    def set_password(self, service: str, user: str, password: str) -> None:
        self._check()
        self.kept[service, user] = password

    def delete_password(self, service: str, user: str) -> None:
        self._check()
        if not self.may_be_changed:
            raise KeyringLocked
        del self.kept[service, user]

    def _check(self) -> None:
        if self.fault is not None:
            raise self.fault


@pytest.fixture(autouse=True)
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    """Never the one of whoever runs the tests."""
    found = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", found)
    return found


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_token: MakeToken) -> Path:
    """A directory like the repository after `make up`, which is the current one."""
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "config"))
    found = tmp_path / "checkout"
    (found / ".local").mkdir(parents=True)
    described = {
        "apiUrl": "http://127.0.0.1:4566/_aws/execute-api/api-1/$default",
        "awsEndpointUrl": "http://127.0.0.1:4566",
        "region": "us-east-1",
        "outputs": {"UserPoolId": "us-east-1_pool"},
        "samples": {},
    }
    (found / ".local" / "stack.json").write_text(json.dumps(described))
    (found / ".local" / "token.json").write_text(json.dumps({"accessToken": make_token()}))
    register(found)
    monkeypatch.chdir(found)
    return found


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
