"""Where the token of a request comes from, and how it is sent."""

import re
import threading
from collections.abc import Callable, Generator
from http import HTTPStatus
from typing import Protocol

import httpx

from function_rerun.errors import FunctionRerunError, InvalidToken, TokenUnavailable


class RenewableToken(Protocol):
    """Both methods may raise TokenUnavailable."""

    def token(self) -> str: ...

    def renewed(self, refused: str, /) -> str | None:
        """Another token than the one that was refused; None if there is none."""


TokenSource = str | Callable[[], str] | RenewableToken | httpx.Auth
_TOKEN = re.compile(r"[!-~]+")


class BearerAuth(httpx.Auth):
    """Sends the source's token; if it is refused, sends the request once more with another one.

    The refused request was not carried out. One thread at a time asks the source.
    """

    def __init__(self, source: str | Callable[[], str] | RenewableToken) -> None:
        self._source = source
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        sent = self._asked(self._token)
        request.headers["Authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code != HTTPStatus.UNAUTHORIZED:
            return
        another = self._asked(lambda: self._renewed(str(sent)))
        if another is not None and another != sent:
            request.headers["Authorization"] = f"Bearer {another}"
            yield request

    def _token(self) -> str:
        if isinstance(self._source, str):
            return self._source
        return self._source() if callable(self._source) else self._source.token()

    def _renewed(self, refused: str) -> str | None:
        if isinstance(self._source, str):
            return None
        return self._source() if callable(self._source) else self._source.renewed(refused)

    def _asked(self, ask: Callable[[], str | None]) -> str | None:
        """Raises TokenUnavailable, or InvalidToken where httpx would quote what no header can hold."""
        try:
            with self._lock:
                token = ask()
        except FunctionRerunError:
            raise
        except Exception as error:
            # Else it would pass for what the API has answered, or hide that a request was sent before.
            is_transient = isinstance(error, (OSError, httpx.TransportError))
            sentence = f"The source of access tokens has failed ({type(error).__name__})."
            raise TokenUnavailable(sentence, is_transient=is_transient) from error
        if token is not None and not is_token(token.strip()):
            raise InvalidToken("The access token is empty, or holds characters that no token has.")
        return token and token.strip()


def is_token(text: str) -> bool:
    """Whether a header can hold it."""
    return _TOKEN.fullmatch(text) is not None
