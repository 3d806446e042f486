"""Where a login's tokens are kept: in the system's keyring, or in a file of mode 600 where there is none that works."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Self

from fnrun.connection.files import PRIVATE, config_directory, is_wider_than_private, locked, write_private
from fnrun.errors import CommandError, Exit

_SERVICE = "fnrun"


class Place(StrEnum):
    KEYRING = "keyring"
    FILE = "file"


@dataclass(frozen=True)
class Tokens:
    """What a login has given, and how it is renewed."""

    access_token: str = field(repr=False)
    issuer: str
    client_id: str
    token_endpoint: str
    revocation_endpoint: str | None = None
    refresh_token: str | None = field(default=None, repr=False)
    expires_at: float | None = None
    """Seconds since 1970, of the access token; None if nothing says it."""
    obtained_at: float | None = None
    extra: dict[str, str] = field(default_factory=dict)
    """What the provider wants to see again with each request for a token: `resource` or `audience`."""

    @classmethod
    def from_json(cls, text: str) -> Self | None:
        """None if it is not understood, as of another version of fnrun."""
        try:
            described = json.loads(text)
            known = {each.name for each in fields(cls)}
            return cls(**{name: value for name, value in described.items() if name in known})
        except (ValueError, TypeError, AttributeError):
            return None

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def key_of(profile: str, url: str) -> str:
    """With the address: who edits a profile's URL sends no token to the new one."""
    return f"{profile} {url}"


def exclusive() -> AbstractContextManager[None]:
    """Around reading and replacing tokens.

    Two processes that renew a login whose refresh token is good for one use would end it: providers take the second
    use for a theft (https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2).
    """
    return locked(config_directory() / "tokens.lock")


def read(key: str) -> Tokens | None:
    # The file first: it is there only if the keyring did not take what is newer.
    text = _in_file().get(key) or _from_keyring(lambda keyring: keyring.get_password(_SERVICE, key))
    return Tokens.from_json(text) if isinstance(text, str) else None


def place_of(key: str) -> Place | None:
    """Where its tokens are; None if there are none."""
    if key in _in_file():
        return Place.FILE
    return Place.KEYRING if _from_keyring(lambda keyring: keyring.get_password(_SERVICE, key)) else None


def write(key: str, tokens: Tokens) -> Place:
    """To be called within `exclusive`."""
    text = tokens.to_json()

    def keep(keyring: Any) -> bool:
        keyring.set_password(_SERVICE, key, text)
        return bool(keyring.get_password(_SERVICE, key) == text)  # keyring's null backend forgets it

    if _from_keyring(keep):
        _replace_in_file(key, None)
        return Place.KEYRING
    _replace_in_file(key, text)
    return Place.FILE


def delete(key: str) -> None:
    """To be called within `exclusive`. Raises CommandError, and then leaves the file, if the keyring still has them."""
    if _may_be_left_in_keyring(key):
        raise CommandError(
            "The tokens are not removed: the system's keyring still has them, or does not answer",
            "unlock the keyring, then the same command again",
            Exit.NOT_WELL,
        )
    _replace_in_file(key, None)


def _may_be_left_in_keyring(key: str) -> bool:
    """After they are deleted there: that fails where there are none, and where it is locked."""
    _from_keyring(lambda keyring: keyring.delete_password(_SERVICE, key))
    try:
        import keyring
        from keyring.errors import NoKeyringError
    except Exception:  # noqa: BLE001 - as in _from_keyring
        return False
    try:
        return keyring.get_password(_SERVICE, key) is not None
    except NoKeyringError:
        return False
    except Exception:  # noqa: BLE001
        # What does not work is why they are in the file, if they are.
        return key not in _in_file()


def _from_keyring(use: Callable[[Any], Any]) -> Any:
    """None if there is no keyring, or it fails: backends raise what their system raises, in any class."""
    try:
        import keyring

        return use(keyring)
    except Exception:  # noqa: BLE001
        return None


def _in_file() -> dict[str, str]:
    file = config_directory() / "tokens.json"
    try:
        if is_wider_than_private(file):
            file.chmod(PRIVATE)
            sys.stderr.write(f"fnrun: others could read {file}; its mode is 600 again. Consider a new fnrun login.\n")
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise CommandError(f"{file} cannot be read", "remove it, then log in again: fnrun login", Exit.USAGE) from None
    return kept if isinstance(kept, dict) else {}


def _replace_in_file(key: str, text: str | None) -> None:
    kept = _in_file()
    if kept.get(key) == text:
        return
    changed = {name: value for name, value in kept.items() if name != key} | ({key: text} if text else {})
    file = config_directory() / "tokens.json"
    if changed:
        write_private(file, json.dumps(changed))
    else:
        file.unlink(missing_ok=True)
