"""Lambda's runtime API, as little of it as one function needs.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self
from uuid import uuid4

from infra.local.waiting import PATIENCE_SECONDS


class Answer(NamedTuple):
    """`outcome` is `response` or `error`, or `init/error` if the function did not even start."""

    outcome: str
    document: Any


class RuntimeApi(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, function_arn: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.function_arn = function_arn
        self.events: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.events.put(b"")
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: Any) -> None:
        """A function that is stopped leaves its connection open."""

    def invoke(self, event: Any) -> Answer:
        """Hands the event to the function that asks for the next one. Raises queue.Empty if it does not answer."""
        self.events.put(json.dumps(event).encode())
        return self.answers.get(timeout=PATIENCE_SECONDS)


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """/2018-06-01/runtime/invocation/next"""
        event = self.server.events.get()
        if not event:
            return  # the test is over
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid4()))
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + 60) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", self.server.function_arn)
        self._end(event)

    def do_POST(self) -> None:
        """/2018-06-01/runtime/invocation/{id}/response, …/error, or /2018-06-01/runtime/init/error"""
        body = self._body()
        what = "init/error" if self.path.endswith("/init/error") else self.path.rpartition("/")[2]
        self.send_response(202)
        self._end(b'{"status": "OK"}')
        self.server.answers.put(Answer(what, json.loads(body)))

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _end(self, body: bytes) -> None:
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""
