"""Where the token of a request comes from, and how another is had when it has expired or is refused."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from function_rerun import TokenUnavailable

from fnrun.connection import token_store
from fnrun.connection.claims import claims_of, expiry_of
from fnrun.connection.local_stack import LocalStack
from fnrun.connection.token_store import Tokens
from fnrun.errors import CommandError, Exit

EARLY_SECONDS = 60.0
"""A token that expires so soon is renewed before it is sent."""
LOGIN = "fnrun login"


class GrantRefused(CommandError):
    """The provider takes the code or the refresh token no more."""


class TokenSource(Protocol):
    def token(self) -> str:
        """Raises CommandError, which says how to get one."""

    def renewed(self, refused: str, /) -> str | None:
        """Another token than the one that was refused; None if there is none. Raises CommandError."""


class ClientToken:
    """The source as the client asks it: what goes wrong is an error that it knows, whose cause is the CommandError."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source

    def token(self) -> str:
        with _as_unavailable():
            return self._source.token()

    def renewed(self, refused: str) -> str | None:
        with _as_unavailable():
            return self._source.renewed(refused)


@contextmanager
def _as_unavailable() -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        is_transient = error.exit_code is Exit.NOT_REACHED
        raise TokenUnavailable(error.message, is_transient=is_transient) from error


class GivenToken:
    """FNRUN_TOKEN's."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self) -> str:
        return self._token

    def renewed(self, refused: str) -> str | None:
        expiry = expiry_of(claims_of(refused))
        if expiry is not None and expiry < time.time():
            raise CommandError("The token in FNRUN_TOKEN has expired", "set a new one", Exit.NOT_PERMITTED)
        return None


class LocalToken:
    """The local stack's. A stack that was started again has other keys."""

    def __init__(self, local_stack: LocalStack) -> None:
        self._local_stack = local_stack
        self._token: str | None = None

    def token(self) -> str:
        self._token = self._token or self._local_stack.stored_token()
        if self._token is None or _expires_soon(expiry_of(claims_of(self._token))):
            self._token = self._local_stack.new_token()
        return self._token

    def renewed(self, refused: str) -> str | None:
        # Once more from the file: another process may have renewed it.
        kept = self._local_stack.stored_token()
        if kept in (None, refused) or _expires_soon(expiry_of(claims_of(str(kept)))):
            kept = self._local_stack.new_token()
        self._token = kept
        return kept


class StoredToken:
    """That of a login, in the keyring or the file."""

    def __init__(self, profile: str, url: str, refresh: Callable[[Tokens], Tokens]) -> None:
        """`refresh` asks the provider; it raises CommandError, GrantRefused if the login has ended."""
        self._key = token_store.key_of(profile, url)
        self._login = f"{LOGIN} --profile {profile}"
        self._refresh = refresh
        self._tokens: Tokens | None = None

    def token(self) -> str:
        tokens = self.tokens()
        if _expires_soon(tokens.expires_at):
            return self._exchanged(tokens.access_token).access_token
        return tokens.access_token

    def tokens(self) -> Tokens:
        """As they are stored, expired or not. Raises CommandError if there are none."""
        self._tokens = self._tokens or token_store.read(self._key)
        if self._tokens is None:
            raise CommandError("Nobody is logged in", self._login, Exit.NOT_PERMITTED)
        return self._tokens

    def renewed(self, refused: str) -> str | None:
        if self.tokens().refresh_token is None and not _expires_soon(self.tokens().expires_at):
            return None  # what the API says of it is more than we know
        return self._exchanged(refused).access_token

    def _exchanged(self, unusable: str) -> Tokens:
        """Other tokens than these, of the provider unless another process has been quicker."""
        with token_store.exclusive():
            kept = token_store.read(self._key)
            if kept is None or (kept.access_token == unusable and kept.refresh_token is None):
                raise CommandError("The login has expired", self._login, Exit.NOT_PERMITTED)
            if kept.access_token == unusable or _expires_soon(kept.expires_at):
                kept = self._refreshed(kept)
                # Before it is used: a refresh token that was for one use is of no more use.
                token_store.write(self._key, kept)
        self._tokens = kept
        return kept

    def _refreshed(self, tokens: Tokens) -> Tokens:
        try:
            return self._refresh(tokens)
        except GrantRefused:
            raise CommandError(f"The login at {tokens.issuer} has ended", self._login, Exit.NOT_PERMITTED) from None


def _expires_soon(expiry: float | None) -> bool:
    return expiry is not None and expiry - EARLY_SECONDS < time.time()
