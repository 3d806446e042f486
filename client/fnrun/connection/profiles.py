"""The stacks that somebody has logged in to, by names of their own: `config.toml`, which holds no secret."""

import json
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from fnrun.connection.files import config_directory, locked, write_private
from fnrun.errors import CommandError, Exit, UsageFault

LOCAL = "local"
"""The profile that always means the local stack."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_HEAD = "# Written by fnrun, which keeps no comments of yours. No token is in here.\n"


@dataclass(frozen=True)
class Profile:
    url: str
    workspace: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    scopes: tuple[str, ...] = ()
    """What `fnrun login` was given besides the URL, and takes again when it is called without one."""


@dataclass(frozen=True)
class Profiles:
    by_name: dict[str, Profile] = field(default_factory=dict)
    default: str | None = None

    @classmethod
    def load(cls) -> Self:
        """Raises CommandError if there is a file that is not understood."""
        try:
            text = config_file().read_text(encoding="utf-8")
        except FileNotFoundError:
            return cls()
        except (OSError, UnicodeDecodeError):
            raise _broken("cannot be read") from None
        try:
            described = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise _broken(f"is not TOML: {error}") from None
        profiles, default = described.get("profiles", {}), described.get("default")
        if not isinstance(profiles, dict) or not (default is None or isinstance(default, str)):
            raise _broken("has no profiles that are understood")
        return cls({name: _profile(name, each) for name, each in profiles.items()}, default)

    def named(self, name: str) -> Profile:
        if name not in self.by_name:
            known = ", ".join(sorted(self.by_name)) or "none yet"
            raise UsageFault(f"There is no profile {name!r} (there are: {known})", f"fnrun login URL --profile {name}")
        return self.by_name[name]

    def of_url(self, url: str) -> str | None:
        return next((name for name, each in self.by_name.items() if each.url == url), None)

    def with_profile(self, name: str, profile: Profile) -> Self:
        return replace(self, by_name=self.by_name | {name: profile}, default=self.default or name)

    def without(self, name: str) -> Self:
        self.named(name)
        left = {each: profile for each, profile in self.by_name.items() if each != name}
        return replace(self, by_name=left, default=None if self.default == name else self.default)

    def save(self) -> None:
        lines = [_HEAD, f"default = {_quoted(self.default)}\n"] if self.default else [_HEAD]
        for name, profile in sorted(self.by_name.items()):
            lines.append(f"\n[profiles.{_quoted(name)}]\nurl = {_quoted(profile.url)}\n")
            optional = {"workspace": profile.workspace, "issuer": profile.issuer, "client_id": profile.client_id}
            lines += [f"{key} = {_quoted(value)}\n" for key, value in optional.items() if value]
            if profile.scopes:
                lines.append(f"scopes = [{', '.join(map(_quoted, profile.scopes))}]\n")
        write_private(config_file(), "".join(lines))


def config_file() -> Path:
    return config_directory() / "config.toml"


def changing_profiles() -> Any:
    """Around reading, changing and saving them: two logins at once lose neither."""
    return locked(config_directory() / "config.lock")


def checked_name(name: str) -> str:
    if name == LOCAL:
        raise UsageFault("The profile 'local' is always the local stack", "choose another name with --profile")
    if not _NAME.fullmatch(name):
        raise UsageFault("A profile's name has letters, digits, '.', '_' and '-' only", "choose another with --profile")
    return name


def _profile(name: str, described: Any) -> Profile:
    texts = ("url", "workspace", "issuer", "client_id")
    if not isinstance(described, dict) or not isinstance(described.get("url"), str):
        raise _broken(f"names no url for the profile {name!r}")
    scopes = described.get("scopes", [])
    is_understood = all(isinstance(described.get(key, ""), str) for key in texts) and isinstance(scopes, list)
    if not is_understood or not all(isinstance(scope, str) for scope in scopes):
        raise _broken(f"has a profile {name!r} that is not understood")
    return Profile(**{key: described[key] for key in texts if key in described}, scopes=tuple(scopes))


def _quoted(text: str) -> str:
    # A JSON string is a TOML string if no character outside the BMP is escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _broken(why: str) -> CommandError:
    return CommandError(
        f"{config_file()} {why}", "correct it, or move it away and call fnrun login URL again", Exit.USAGE
    )
