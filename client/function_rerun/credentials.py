"""To whom a token is sent, and how."""

import ipaddress
import re
from collections.abc import Callable, Generator
from contextlib import suppress
from http import HTTPStatus

import httpx

from function_rerun.errors import InsecureUrl, InvalidToken

TokenSource = str | Callable[[], str] | httpx.Auth
_TOKEN = re.compile(r"[!-~]+")


class BearerAuth(httpx.Auth):
    """Asks the source for a token before each request, and once more if that one is refused."""

    def __init__(self, source: str | Callable[[], str]) -> None:
        self._source = source

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        sent = self._token()
        request.headers["Authorization"] = f"Bearer {sent}"
        response = yield request
        if response.status_code == HTTPStatus.UNAUTHORIZED and callable(self._source):
            renewed = self._token()
            if renewed != sent:
                request.headers["Authorization"] = f"Bearer {renewed}"
                yield request

    def _token(self) -> str:
        """Raises InvalidToken, where httpx would quote what no header can hold."""
        token = (self._source() if callable(self._source) else self._source).strip()
        if not _TOKEN.fullmatch(token):
            raise InvalidToken("The access token is empty, or holds characters that no token has.")
        return token


def checked_url(url: str) -> httpx.URL:
    """The URL without a slash at its end. Raises InsecureUrl for one to which no token may be sent."""
    flaw, parsed = "", httpx.URL()
    with suppress(httpx.InvalidURL):
        parsed = httpx.URL(url.rstrip("/"))
    if parsed.scheme not in ("http", "https") or not parsed.host:
        flaw = "has to begin with https://."
    elif parsed.scheme == "http" and not is_loopback(parsed.host):
        flaw = "has to begin with https://: a token is sent in clear to this machine only."
    elif parsed.userinfo or parsed.query or parsed.fragment:
        flaw = "has to be without user, query and fragment."
    if flaw:
        raise InsecureUrl(f"The URL of the API {flaw}")
    return parsed


def is_loopback(host: str) -> bool:
    """Names below `localhost` are this machine's: https://www.rfc-editor.org/rfc/rfc6761#section-6.3."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
