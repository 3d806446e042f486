"""Where the tokens of a login are kept."""

import json
import stat
import sys
from pathlib import Path

import pytest
from fnrun.connection import token_store
from fnrun.connection.token_store import Place, Tokens
from fnrun.errors import CommandError
from keyring.errors import KeyringLocked, NoKeyringError

from tests.client.connection.conftest import Keyring

KEY = "one https://api.example.com"
TOKENS = Tokens("a-secret", "https://issuer", "client", "https://issuer/token", refresh_token="another-secret")


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("FNRUN_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config"


def secrets_in(folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and "secret" in file.read_text()]


def test_a_keyring_holds_them_and_no_file(folder: Path) -> None:
    with token_store.exclusive():
        assert token_store.write(KEY, TOKENS) is Place.KEYRING
    assert token_store.read(KEY) == TOKENS
    assert secrets_in(folder) == []


@pytest.mark.parametrize("fault", [RuntimeError("no backend"), OSError("locked"), ValueError("too long")])
def test_where_the_keyring_fails_a_private_file_holds_them(folder: Path, keyring: Keyring, fault: Exception) -> None:
    keyring.fault = fault
    assert token_store.write(KEY, TOKENS) is Place.FILE
    assert token_store.place_of(KEY) is Place.FILE
    assert token_store.read(KEY) == TOKENS
    assert stat.S_IMODE((folder / "tokens.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_keyring_that_forgets_is_none(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "set_password", lambda *_: None)
    assert token_store.write(KEY, TOKENS) is Place.FILE
    assert token_store.read(KEY) == TOKENS


def test_once_the_keyring_works_again_the_file_has_nothing_left(folder: Path, keyring: Keyring) -> None:
    keyring.fault = RuntimeError()
    token_store.write(KEY, TOKENS)
    keyring.fault = None
    assert token_store.write(KEY, TOKENS) is Place.KEYRING
    assert secrets_in(folder) == []


def test_at_no_moment_can_others_read_the_file(folder: Path, keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.fault = RuntimeError()
    seen = set()
    replace = Path.replace

    def looked_at(file: Path, target: Path) -> Path:
        seen.add(stat.S_IMODE(file.stat().st_mode))
        return replace(file, target)

    monkeypatch.setattr(Path, "replace", looked_at)
    token_store.write(KEY, TOKENS)
    assert seen == {0o600}


def test_a_file_that_others_can_read_is_repaired_with_a_word(
    folder: Path, keyring: Keyring, capsys: pytest.CaptureFixture[str]
) -> None:
    keyring.fault = RuntimeError()
    token_store.write(KEY, TOKENS)
    file = folder / "tokens.json"
    file.chmod(0o644)
    assert token_store.read(KEY) == TOKENS
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "others could read" in capsys.readouterr().err


def test_what_is_deleted_is_nowhere(folder: Path, keyring: Keyring) -> None:
    token_store.write(KEY, TOKENS)
    token_store.delete(KEY)
    assert token_store.read(KEY) is None
    assert keyring.kept == {}
    assert secrets_in(folder) == []


def test_what_a_locked_keyring_still_has_is_not_said_to_be_deleted(keyring: Keyring) -> None:
    token_store.write(KEY, TOKENS)
    keyring.may_be_changed = False
    with pytest.raises(CommandError, match="not removed") as raised:
        token_store.delete(KEY)
    assert raised.value.next_step == "unlock the keyring, then the same command again"
    keyring.fault = KeyringLocked()
    with pytest.raises(CommandError, match="not removed"):
        token_store.delete(KEY)
    keyring.fault, keyring.may_be_changed = None, True
    token_store.delete(KEY)
    assert keyring.kept == {}


@pytest.mark.parametrize("fault", [NoKeyringError(), KeyringLocked(), RuntimeError()])
def test_where_the_keyring_fails_the_file_s_are_deleted(folder: Path, keyring: Keyring, fault: Exception) -> None:
    keyring.fault = fault
    token_store.write(KEY, TOKENS)
    token_store.delete(KEY)
    assert secrets_in(folder) == []


def test_without_a_keyring_nothing_is_left_in_one(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    keyring.fault = NoKeyringError()
    token_store.delete(KEY)
    monkeypatch.setitem(sys.modules, "keyring", None)
    token_store.delete(KEY)


def test_another_version_of_fnrun_may_have_written_more_or_less(keyring: Keyring) -> None:
    more = json.loads(TOKENS.to_json()) | {"later": 1}
    keyring.kept["fnrun", KEY] = json.dumps(more)
    assert token_store.read(KEY) == TOKENS
    keyring.kept["fnrun", KEY] = json.dumps({"accessToken": "x"})
    assert token_store.read(KEY) is None


def test_tokens_show_themselves_without_their_secrets() -> None:
    assert "secret" not in repr(TOKENS)
