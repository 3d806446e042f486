"""Addresses that a token may be sent to: the client's rules, for what was typed."""

from urllib.parse import urlsplit

from function_rerun import InsecureUrl
from function_rerun import addresses as of_the_client

from fnrun.errors import UsageFault


def is_loopback(url: str) -> bool:
    return of_the_client.is_loopback(urlsplit(url).hostname or "")


def checked_url(url: str, *, what: str) -> str:
    """The address without a slash at its end; HTTPS, or HTTP on this machine. Raises UsageFault."""
    try:
        of_the_client.checked_url(url, what=what)
    except InsecureUrl as error:
        raise UsageFault(error.message, "give scheme, host and path only: https://HOST/PATH") from None
    return url.strip().rstrip("/")
