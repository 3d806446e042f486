"""Addresses that a token may be sent to."""

import ipaddress
from urllib.parse import urlsplit

from fnrun.errors import CommandError, Exit


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def checked_url(url: str, *, what: str) -> str:
    """The address without a slash at its end; HTTPS, or HTTP on this machine. Raises CommandError."""
    try:
        parts = urlsplit(url.strip())
        is_whole = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_whole = False
    # Not quoted where it is not an address: it may be a token that was pasted here by mistake.
    if not is_whole or parts.scheme not in ("https", "http"):
        raise CommandError(f"{what} does not begin with https://", "give it as https://…", Exit.USAGE)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise CommandError(
            f"{what} has a user, a query or a fragment", f"give scheme, host and path only: {_bare(url)}", Exit.USAGE
        )
    if parts.scheme == "http" and not is_loopback(url):
        raise CommandError(f"{what} is not HTTPS: whoever is in between would read the token", "use https", Exit.USAGE)
    return url.strip().rstrip("/")


def _bare(url: str) -> str:
    parts = urlsplit(url.strip())
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
