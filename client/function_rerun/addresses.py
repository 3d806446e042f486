"""Addresses that a token may be sent to."""

import ipaddress
from contextlib import suppress

import httpx

from function_rerun.errors import InsecureUrl


def checked_url(url: str, *, what: str = "The URL of the API") -> httpx.URL:
    """The URL without a slash at its end. Raises InsecureUrl for one to which no token may be sent."""
    flaw, parsed = "", httpx.URL()
    with suppress(httpx.InvalidURL):
        parsed = httpx.URL(url.strip().rstrip("/"))
    # The URL is not quoted: it may be a token that was pasted by mistake.
    if parsed.scheme not in ("http", "https") or not parsed.host:
        flaw = "has to begin with https://."
    elif parsed.scheme == "http" and not is_loopback(parsed.host):
        flaw = "has to begin with https://: a token is sent in clear to this machine only."
    elif parsed.userinfo or parsed.query or parsed.fragment:
        flaw = "has to be without user, query and fragment."
    if flaw:
        raise InsecureUrl(f"{what} {flaw}")
    return parsed


def is_loopback(host: str) -> bool:
    """Names below `localhost` do not count: not every resolver keeps them on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
