"""Lambda's control plane over HTTP, as far as `fnrun debug` asks it: what boto3 makes of it is boto3's own."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

SIGNATURE = "X-Amz-Signature=a-signature"


def sha256(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


class Aws:
    """Answers by the path of a request: a status, and JSON or bytes."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def add_function(self, arn: str, archive: bytes, **configuration: Any) -> None:
        """`arn` with its qualifier, if it has one."""
        qualifier = arn.split(":")[7] if arn.count(":") == 7 else ""
        answer = {
            "Configuration": {
                "FunctionArn": arn,
                "Version": qualifier or "$LATEST",
                "CodeSha256": sha256(archive),
                "Timeout": 10,
                "MemorySize": 128,
                "Handler": "app.handler",
                "Runtime": "nodejs22.x",
            }
            | configuration,
            "Code": {"Location": f"{self.url}/code/{qualifier}?{SIGNATURE}"},
        }
        self.answers[f"/2015-03-31/functions/{arn}"] = 200, answer
        self.answers[f"/code/{qualifier}"] = 200, archive

    def add_layer(self, arn: str, archive: bytes) -> None:
        name = arn.rpartition(":layer:")[2]
        content = {"Location": f"{self.url}/layers/{name}?{SIGNATURE}", "CodeSha256": sha256(archive)}
        self.answers[f"/2018-10-31/layers?find=LayerVersion&Arn={arn}"] = 200, {"Content": content}
        self.answers[f"/layers/{name}"] = 200, archive

    def refuse(self, path: str, status: int, code: str) -> None:
        self.answers[path] = status, {"__type": code, "Message": "a secret sentence"}

    @contextmanager
    def serving(self) -> Iterator["Aws"]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield self
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                whole, alone = unquote(self.path), unquote(urlsplit(self.path).path)
                missing = 404, {"__type": "ResourceNotFoundException", "Message": "a secret sentence"}
                status, answer = answers.get(whole) or answers.get(alone) or missing
                content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                if isinstance(answer, dict) and "__type" in answer:
                    self.send_header("x-amzn-ErrorType", answer["__type"])
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler


@contextmanager
def aws_with_credentials(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """AWS as this process's boto3 finds it, with credentials that it takes."""
    with Aws().serving() as aws:
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in {
            "AWS_ENDPOINT_URL": aws.url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_MAX_ATTEMPTS": "1",
        }.items():
            monkeypatch.setenv(name, value)
        yield aws
