"""A service that answers the client as a script says, in the client's own process."""

from typing import Any

import httpx
from function_rerun import (
    Client,
)

from tests.client.clocks import FakeClock

URL = "https://api.example.com"
TOKEN = "a-secret-token"
RUN: dict[str, Any] = {"id": "r", "status": "completed"}
CONTENT = {"card": "4711-0815"}
Scripted = httpx.Response | Exception


class Service:
    """Answers with what it is told to, one a request, then with a run."""

    def __init__(self, *script: Scripted) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        # A copy: httpx renews the token of the request itself.
        self.requests.append(httpx.Request(request.method, request.url, headers=request.headers))
        answer = self.script.pop(0) if self.script else httpx.Response(200, json=RUN)
        if isinstance(answer, Exception):
            raise answer
        return answer


def client(service: Service, clock: FakeClock | None = None, **options: Any) -> Client:
    options = {"auth": TOKEN, "workspace": "acme"} | options
    return Client(
        options.pop("url", URL), transport=httpx.MockTransport(service), clock=clock or FakeClock(), **options
    )


def gateway(status: int, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"message": "Some Words"}, headers={"Apigw-Requestid": "id="} | sent)


def refusal(status: int, code: str, **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"code": code, "message": "A sentence.", "requestId": "id="} | more)


def broken() -> Exception:
    return httpx.ReadError("Connection reset")


def refused() -> Exception:
    return httpx.ConnectError("[Errno 111] Connection refused")
