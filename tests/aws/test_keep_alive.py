"""What the connections really have on which a function's answer is awaited: asked of the socket, not of botocore."""

import gc
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from handlers.wiring import Wiring

NAT_FORGETS_AFTER_SECONDS = 350
IDLE = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", 0))


def the_client_s(address: Any) -> socket.socket:
    (found,) = (
        each
        for each in gc.get_objects()
        if isinstance(each, socket.socket) and each.fileno() >= 0 and each.getsockname() == address
    )
    return found


class Answer(BaseHTTPRequestHandler):
    probes: tuple[int, int, int]

    def do_POST(self) -> None:
        asking = the_client_s(self.client_address)
        Answer.probes = (
            asking.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            asking.getsockopt(socket.IPPROTO_TCP, IDLE),
            asking.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
        )
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        """Nowhere."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("way", ["straight", "by a proxy"])
def test_a_connection_on_which_a_function_is_awaited_is_probed_before_a_nat_gateway_forgets_it(
    server: str, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": server if way == "straight" else "http://lambda.test",
        "HTTP_PROXY": "" if way == "straight" else server,
        "NO_PROXY": "",
        "no_proxy": "",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("http_proxy", raising=False)
    Wiring().invocations.invoke(FunctionName="orders", Payload=b"{}")
    is_on, idle, interval = Answer.probes
    assert is_on
    assert (idle, interval) == (60, 30)
    assert idle + interval < NAT_FORGETS_AFTER_SECONDS
