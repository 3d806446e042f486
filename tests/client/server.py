"""The whole API in memory, over HTTP: the entry points behind an API Gateway of ours, which loses what it is told to.

    with api_server(world) as api:               # the fixture `api` of tests/client/conftest.py
        api.url                                  # http://127.0.0.1:PORT
        api.token("bob", "acme/function-runs:read")
        api.execute_pending()                    # with `api.world.invoker`'s scripted outcomes, then `{"ok":true}`
        api.step_batches()                       # a step of each batch that goes on
        with api.executing(): ...                # both, all the time
        api.inject(throttled("2"), ANSWER_LOST, of="POST ")
        api.gone_for(0.5)                        # nobody listens; then the same port again
        api.requests                             # what has arrived

Only one at a time can be there: it is the entry points' `wiring` that knows the world.
"""

import base64
import io
import json
import os
import re
import socket
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from handlers import api_openapi
from handlers.api.description import ApiDescription
from handlers.api.openapi import Login, openapi
from handlers.domain import clock
from handlers.domain.runs.execution import execute
from handlers.domain.runs.run import Status
from handlers.telemetry import logger
from tests.client.faults import Fault
from tests.entry_points.events import CONTEXT, DESCRIPTION, ROUTES, http_event
from tests.entry_points.in_memory import InMemory, wire
from tests.fakes import World

_BASE = re.compile("/workspace/(?P<workspace>[^/]+)/api/v1(?P<rest>/.*)")
_PARAMETER = re.compile(r"\{(\w+)(\+?)\}")
_PATTERNS = {
    route: re.compile(_PARAMETER.sub(lambda match: f"(?P<{match[1]}>{'.+' if match[2] else '[^/]+'})", route))
    for route in ROUTES
}
_WITHOUT_TOKEN = (f"GET {DESCRIPTION}", "POST /http-trigger/{path+}")
# With it, the end of a connection is a reset.
_RESET = struct.pack("ii", 1, 0)


def token(subject: str = "alice", *grants: str, lives_for: float = 3600, **claims: Any) -> str:
    """A JWT that nobody has signed. Without grants: all of the workspace acme."""
    content = {
        "sub": subject,
        "token_use": "access",
        "cognito:groups": list(grants) or ["acme/*:*"],
        "exp": int(time.time() + lives_for),
    } | claims
    return ".".join(_base64(json.dumps(each).encode()) for each in ({"alg": "none"}, content)) + "."


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _claims(authorization: str | None) -> dict[str, Any] | None:
    """As API Gateway hands them over; None without a token that is valid."""
    try:
        scheme, _, sent = (authorization or "").partition(" ")
        claims = json.loads(base64.urlsafe_b64decode(sent.split(".")[1] + "=="))
    except (IndexError, ValueError):
        return None
    if scheme.lower() != "bearer" or claims["exp"] <= time.time():
        return None
    return {name: f"[{' '.join(each)}]" if isinstance(each, list) else each for name, each in claims.items()}


class Received(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By their names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


class Api:
    """The service, and what has arrived at it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.requests: list[Received] = []
        self.lock = threading.RLock()
        """Held while an entry point works: the world is one thread's."""
        self._answering = 0
        self._idle = threading.Condition(self.lock)
        self._faults: deque[tuple[str, Fault]] = deque()
        self._server = _Server(("127.0.0.1", 0), self)
        self._server.serve()
        self.port: int = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    token = staticmethod(token)

    def inject(self, *faults: Fault, of: str = "") -> None:
        """One for each of the next requests whose method and path contain this."""
        self._faults.extend((of, fault) for fault in faults)

    def forget_faults(self) -> None:
        self._faults.clear()

    def finish(self) -> None:
        """Wait until what has arrived is answered."""
        with self._idle:
            self._idle.wait_for(lambda: self._answering == 0)

    def execute_pending(self) -> int:
        """Execute all runs that are due, and say how many there were."""
        with self.lock:
            due = [
                run.id
                for run in self.world.runs.runs.values()
                if run.status is Status.PENDING and (run.not_before is None or run.not_before <= clock.now())
            ]
            for run_id in due:
                execute(run_id, self.world.execution_deps)
            return len(due)

    def step_batches(self) -> None:
        """One step of each batch that has an execution."""
        with self.lock:
            self.world.step_batches()

    @contextmanager
    def executing(self, *, every_seconds: float = 0.01) -> Iterator[None]:
        """Meanwhile runs are executed as they come, and batches go on."""
        ended = threading.Event()

        def work() -> None:
            while not ended.wait(every_seconds):
                self.step_batches()
                self.execute_pending()

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def go(self) -> None:
        """Nobody listens any more, and what was connected is not."""
        self._server.stop()
        # It has the port, so that nobody else gets it, and does not listen.
        self._server = _Server(("127.0.0.1", self.port), self)

    def come_back(self) -> None:
        self._server.serve()

    def gone_for(self, seconds: float) -> threading.Timer:
        self.go()
        timer = threading.Timer(seconds, self.come_back)
        timer.daemon = True
        timer.start()
        return timer

    def stop(self) -> None:
        self._server.stop()

    def answer(self, received: Received) -> tuple[Answer | None, Fault]:
        """None if the request was lost."""
        with self._idle:
            self._answering += 1
        try:
            return self._answer(received, self._fault_of(received))
        finally:
            with self._idle:
                self._answering -= 1
                self._idle.notify_all()

    def _answer(self, received: Received, fault: Fault) -> tuple[Answer | None, Fault]:
        time.sleep(fault.delay_seconds)
        with self.lock:
            self.requests.append(received)
            request_id = f"request-{len(self.requests)}="
            if fault.status is not None:
                return _of_gateway(fault.status, fault.document(), request_id, fault.headers), fault
            return (self._processed(received, request_id) if fault.processed else None), fault

    def _fault_of(self, received: Received) -> Fault:
        with self.lock:
            for each in self._faults:
                if each[0] in f"{received.method} {received.path}":
                    self._faults.remove(each)
                    return each[1]
        return Fault()

    def _processed(self, received: Received, request_id: str) -> Answer:
        route, parameters = _match(received)
        if route is None:
            return _of_gateway(404, {"message": "Not Found"}, request_id)
        claims = {} if route in _WITHOUT_TOKEN else _claims(received.headers.get("authorization"))
        if claims is None:
            return _of_gateway(401, {"message": "Unauthorized"}, request_id)
        event = _event(route, parameters, received, claims)
        event["requestContext"]["requestId"] = request_id
        return _answer_of(ROUTES[route].lambda_handler(event, CONTEXT), request_id)


def _match(received: Received) -> tuple[str | None, dict[str, str]]:
    below = _BASE.fullmatch(received.path)
    path, named = (below["rest"], {"workspace": unquote(below["workspace"])}) if below else (received.path, {})
    for route, pattern in _PATTERNS.items():
        match = pattern.fullmatch(f"{received.method} {path}")
        if match and (below or route in _WITHOUT_TOKEN):
            return route, named | {name: unquote(value) for name, value in match.groupdict().items()}
    return None, {}


def _event(route: str, parameters: dict[str, str], received: Received, claims: dict[str, Any]) -> dict[str, Any]:
    query: dict[str, str] = {}
    for name, value in parse_qsl(received.query, keep_blank_values=True):
        query[name] = f"{query[name]},{value}" if name in query else value
    try:
        body: str | bytes | None = received.body.decode() or None
    except UnicodeDecodeError:
        body = received.body
    event = http_event(route, parameters, body=body, query=query, headers=received.headers, claims=claims)
    return event | {"rawPath": received.path, "rawQueryString": received.query}


def _of_gateway(
    status: int, document: dict[str, Any], request_id: str, headers: dict[str, str] | None = None
) -> Answer:
    sent = {"Content-Type": "application/json", "Apigw-Requestid": request_id} | (headers or {})
    return Answer(status, sent, json.dumps(document).encode())


def _answer_of(answered: dict[str, Any], request_id: str) -> Answer:
    answered = json.loads(json.dumps(answered))  # as Lambda's runtime does
    body = (answered.get("body") or "").encode(errors="surrogatepass")
    if answered.get("isBase64Encoded"):
        body = base64.b64decode(body)
    headers = {name: ", ".join(each) for name, each in (answered.get("multiValueHeaders") or {}).items()}
    headers |= answered.get("headers") or {}
    return Answer(answered["statusCode"], {"Apigw-Requestid": request_id} | headers, body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], api: Api) -> None:
        super().__init__(address, _Handler, bind_and_activate=False)
        self.api = api
        self.connections: set[socket.socket] = set()
        self._thread: threading.Thread | None = None
        self.server_bind()

    def serve(self) -> None:
        self.server_activate()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self.shutdown()
            self._thread.join()
        self.socket.close()
        for each in list(self.connections):
            with suppress(OSError):  # it has ended by itself
                each.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has not waited for its answer is no fault."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base
        """Nothing: the output is that of the test."""

    def _serve(self) -> None:
        path = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        answer, fault = self.server.api.answer(Received(self.command, path.path, path.query, headers, body))
        if answer is not None and fault.answered in ("whole", "half"):
            self._send(answer, half=fault.answered == "half")
        elif fault.answered == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if fault.answered != "whole":
            self.close_connection = True
        if fault.answered == "reset":
            self.server.connections.discard(self.connection)
            os.close(self.connection.detach())

    def _send(self, answer: Answer, *, half: bool) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.status != 204:
            self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body[: len(answer.body) // 2] if half else answer.body)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - their names in the base


@contextmanager
def api_server(world: World) -> Iterator[Api]:
    """The entry points work on this world, and are asked over HTTP. What they log is not printed."""
    with pytest.MonkeyPatch.context() as patched:
        wire(patched, InMemory(world))
        [handler] = logger.handlers
        patched.setattr(handler, "stream", io.StringIO())
        api = Api(world)
        login = Login(api.url, "https://issuer.example.com", "a-client")
        patched.setattr(api_openapi, "described", lambda: ApiDescription.model_validate(openapi(login)))
        try:
            yield api
        finally:
            api.stop()
