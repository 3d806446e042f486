"""The few requests that are not the client's: to the API's description, to identity providers, and to try a token."""

from typing import Any

import httpx

from fnrun.connection.addresses import is_loopback
from fnrun.errors import CommandError, Exit

ANSWER_SECONDS = 30.0


def get_json(url: str, *, what: str) -> dict[str, Any]:
    """A JSON object. `what` begins the sentence of the CommandError that is raised else."""
    answer = send("GET", url, what=what)
    if answer.status_code != httpx.codes.OK:
        raise CommandError(
            f"{what} ({url}) answers {answer.status_code}",
            "check the address; the API's is the stack's output ApiUrl",
            Exit.NOT_REACHED,
        )
    return object_of(answer, what=what)


def send(
    method: str, url: str, *, what: str, form: dict[str, str] | None = None, token: str | None = None
) -> httpx.Response:
    """Follows no redirect: what is sent is for this address only. Raises CommandError."""
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    try:
        # A proxy has no business between this machine and itself.
        with httpx.Client(timeout=ANSWER_SECONDS, trust_env=not is_loopback(url)) as client:
            return client.request(method, url, data=form, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        # Without its cause, which holds the request and what was sent with it.
        reason = type(error).__name__
        raise CommandError(
            f"{what} was not reached at {_origin(url)} ({reason})",
            "check the address and the network",
            Exit.NOT_REACHED,
        ) from None


def object_of(answer: httpx.Response, *, what: str) -> dict[str, Any]:
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise CommandError(f"{what} does not answer in JSON", "check the address", Exit.NOT_REACHED)
    return document


def _origin(url: str) -> str:
    parsed = httpx.URL(url)
    return f"{parsed.scheme}://{parsed.netloc.decode()}"
