"""Which stack this command calls, in which workspace, and as whom."""

import math
import os
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from function_rerun.credentials import BearerAuth, is_token

from fnrun.connection import local_stack
from fnrun.connection.addresses import checked_url, is_loopback
from fnrun.connection.local_stack import LocalStack
from fnrun.connection.profiles import LOCAL, Profile, Profiles
from fnrun.connection.sources import NEW_TOKEN, ClientToken, GivenToken, LocalToken, StoredToken, TokenSource
from fnrun.errors import CommandError, Exit, UsageFault
from fnrun.shared import invocation

if TYPE_CHECKING:
    from function_rerun import Client, FunctionRerunError

    from fnrun.connection.token_store import Tokens

# Somebody watches: what does not come back within this time is said, and may be typed again.
_RETRY_SECONDS = 20.0
TOKEN_VARIABLE = "FNRUN_TOKEN"  # noqa: S105 - a name


@dataclass(frozen=True)
class Session:
    profile: str | None
    """None if it is only known by FNRUN_URL."""
    url: str
    named_workspace: str | None
    """Without knowing whether one is needed."""
    source: TokenSource
    local: LocalStack | None = None

    @property
    def workspace(self) -> str:
        """Raises CommandError if none is named."""
        if self.named_workspace is None:
            raise UsageFault("No workspace is named", "add --workspace NAME, or set FNRUN_WORKSPACE")
        return self.named_workspace

    @property
    def auth(self) -> BearerAuth:
        return BearerAuth(ClientToken(self.source))

    @property
    def is_local(self) -> bool:
        return self.local is not None


def current() -> Session:
    """Of --profile or FNRUN_PROFILE, else FNRUN_URL, else the default profile, else the local stack.

    Raises CommandError.
    """
    name = invocation().profile or os.environ.get("FNRUN_PROFILE")
    if name == LOCAL:
        return _of_local(local_stack.found())
    if name:
        return _of_profile(name, Profiles.load().named(name))
    if address := os.environ.get("FNRUN_URL"):
        return _of_url(checked_url(address, what="FNRUN_URL"))
    profiles = Profiles.load()
    if profiles.default == LOCAL:
        return _of_local(local_stack.found())
    if profiles.default:
        return _of_profile(profiles.default, profiles.named(profiles.default))
    if nearest := local_stack.nearest():
        return _of_local(local_stack.confirmed(nearest))
    raise CommandError(
        "No stack is known", "fnrun login URL, or start one on this machine: fnrun local up", Exit.NOT_PERMITTED
    )


@contextmanager
def open_client(*, retries: bool = True) -> "Iterator[Client]":
    """Without `retries` for who looks again by itself."""
    from function_rerun import Client

    session = current()
    with Client(
        session.url,
        workspace=session.workspace,
        auth=session.auth,
        used_by="fnrun",
        retry_seconds=_RETRY_SECONDS if retries else 0.0,
        retries_refused=not session.is_local,  # nothing listens there: it is down, and is started by who uses it
        on_retry=_say_why,
    ) as client:
        yield client


def _say_why(error: "FunctionRerunError", seconds: float) -> None:
    from fnrun.output.console import note

    if not invocation().as_json:  # then what stands on stderr is one document
        note(f"{error.message.removesuffix('.')}: trying again in {math.ceil(seconds)} s")


def _of_url(url: str) -> Session:
    if found := _local_at(url):
        return _of_local(found)
    profiles = Profiles.load()
    if name := profiles.of_url(url):
        return _of_profile(name, profiles.named(name))
    return Session(None, url, _workspace(None), _given_token() or _Nobody(url))


def _of_profile(name: str, profile: Profile) -> Session:
    url = checked_url(profile.url, what=f"The url of the profile {name!r}")
    source = _given_token() or StoredToken(name, url, _refreshed)
    return Session(name, url, _workspace(profile.workspace), source, _local_at(url))


def _local_at(url: str) -> LocalStack | None:
    """Who has logged in to the local stack as somebody else still has no AWS behind it."""
    found = local_stack.find() if is_loopback(url) else None
    return found if found and found.api_url == url else None


def _of_local(found: LocalStack) -> Session:
    source = _given_token() or LocalToken(found)
    return Session(LOCAL, found.api_url, _workspace(local_stack.WORKSPACE), source, found)


def _workspace(of_profile: str | None) -> str | None:
    return invocation().workspace or os.environ.get("FNRUN_WORKSPACE") or of_profile


def _given_token() -> GivenToken | None:
    token = os.environ.get(TOKEN_VARIABLE, "").strip()
    if token and not is_token(token):
        raise UsageFault(f"{TOKEN_VARIABLE} holds characters that no token has", NEW_TOKEN)
    return GivenToken(token) if token else None


def _refreshed(tokens: "Tokens") -> "Tokens":
    from fnrun.connection.exchange import refreshed

    return refreshed(tokens)


class _Nobody:
    """Of an address that nobody has logged in to."""

    def __init__(self, url: str) -> None:
        self._url = url

    def token(self) -> str:
        raise CommandError(
            "Nobody is logged in", f"fnrun login {shlex.quote(self._url)}, or set {TOKEN_VARIABLE}", Exit.NOT_PERMITTED
        )

    def renewed(self, _refused: str) -> None:
        return None
