"""The one answer of the browser that a login waits for, on a port of this machine.

https://www.rfc-editor.org/rfc/rfc8252#section-7.3
"""

import html
import os
import queue
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from fnrun.errors import CommandError, Exit

PORTS = (18250, 28250, 8250)
"""Those that the stack's own user pool knows: Cognito compares a callback whole, port included."""
HOST = "127.0.0.1"
PATH = "/callback"
_IDLE_SECONDS = 10.0
_SLICE_SECONDS = 1.0


class Callback:
    """Listens from `listening` on; `answer` waits."""

    def __init__(self, port: int, state: str) -> None:
        self.uri = f"http://{HOST}:{port}{PATH}"
        self.state = state
        self.answers: queue.Queue[dict[str, str]] = queue.Queue()

    def answer(self, *, seconds: float) -> dict[str, str]:
        """The parameters that came with our state. Raises CommandError after so many seconds."""
        end = monotonic() + seconds
        while (left := end - monotonic()) > 0:
            with suppress(queue.Empty):
                # In slices: on Windows, Ctrl-C does not interrupt it.
                return self.answers.get(timeout=min(left, _SLICE_SECONDS))
        raise CommandError(
            f"Nobody has logged in for {seconds:.0f} s",
            "call fnrun login again; without a browser on this machine, see fnrun login --help",
            Exit.UNKNOWN,
        )


class _Page(NamedTuple):
    status: HTTPStatus
    text: str


@contextmanager
def listening(ports: tuple[int, ...] = PORTS) -> Iterator[Callback]:
    """On the first port that is free. Raises CommandError if none is."""
    server = _server(ports)
    callback = server.callback = Callback(server.server_port, secrets.token_urlsafe(32))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield callback
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    # Browsers open connections that they may never use: one after the other, the answer could wait behind them.
    daemon_threads = True
    block_on_close = False
    # Where that would let another program take the port away.
    allow_reuse_address = os.name == "posix"
    callback: Callback

    def handle_error(self, *_: Any) -> None:
        """A browser that hangs up is nothing to report, and a traceback could show the request."""


class _Handler(BaseHTTPRequestHandler):
    timeout = _IDLE_SECONDS
    server: _Server

    def do_GET(self) -> None:
        page, answer = _read(self.path, self.server.callback.state)
        body = _HTML.format(text=html.escape(page.text)).encode()
        self.send_response(page.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Security-Policy", "default-src 'none'")
        self.end_headers()
        self.wfile.write(body)
        if answer is not None:
            self.server.callback.answers.put(answer)

    def log_message(self, *_: Any) -> None:
        """Nothing: the request's line has the code in it."""


def _server(ports: tuple[int, ...]) -> _Server:
    for port in ports:
        try:
            return _Server((HOST, port), _Handler)
        except OSError:
            continue
    raise CommandError(
        f"The ports {', '.join(map(str, ports))} of {HOST} are taken",
        "end another fnrun login, or whatever listens there",
    )


def _read(target: str, state: str) -> tuple[_Page, dict[str, str] | None]:
    """The page that is shown, and the answer if it is the one of this login."""
    parts = urlsplit(target)
    if parts.path != PATH:
        return _Page(HTTPStatus.NOT_FOUND, "There is nothing here."), None
    try:
        sent = parse_qs(parts.query, keep_blank_values=True, max_num_fields=50)
    except ValueError:
        sent = {}
    # A parameter that comes twice is none (RFC 6749, section 3.1).
    answer = {name: values[0] for name, values in sent.items() if len(values) == 1}
    if not secrets.compare_digest(answer.get("state", "").encode(), state.encode()):
        return _Page(HTTPStatus.BAD_REQUEST, "This is not the answer to a login that is waiting here."), None
    if "code" in answer and "error" not in answer:
        return _Page(HTTPStatus.OK, "Back to the terminal. You may close this window."), answer
    return _Page(HTTPStatus.OK, "The login was refused. The terminal says more; you may close this window."), answer


_HTML = """<!doctype html><html lang="en"><meta charset="utf-8"><title>fnrun</title><p>{text}</p></html>
"""
