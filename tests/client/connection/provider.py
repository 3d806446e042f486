"""An OpenID provider in memory, over HTTP: code grant with PKCE, refresh tokens for one use, discovery, revocation."""

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

CLIENT = "the-cli"
MakeToken = Callable[..., str]


class Provider:
    """`describe` and `answer` may be changed by a test: what discovery says, and what the browser brings back."""

    def __init__(self, make_token: MakeToken) -> None:
        self._make_token = make_token
        self.describes: dict[str, Any] = {}
        self.brings: dict[str, str | None] = {}
        """Parameters in the place of those of the right answer; None leaves one out."""
        self.claims: dict[str, Any] = {"cognito:groups": ["acme/*:*"]}
        self.asked: list[dict[str, str]] = []
        """For a page, as the browser did."""
        self.forms: list[dict[str, str]] = []
        self.secrets: set[str] = set()
        """All that ought to appear nowhere: codes, tokens."""
        self.is_down = False
        self.expires_in = 3600
        self._codes: dict[str, dict[str, str]] = {}
        self._families: dict[str, str] = {}
        """Refresh token → its login."""
        self._used: set[str] = set()
        self.revoked: set[str] = set()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def discovery(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "revocation_endpoint": f"{self.url}/revoke",
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "offline_access"],
        } | self.describes

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the browser goes once somebody has logged in."""
        self.asked.append(asked)
        code = self._secret("code")
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.url, **self.brings}
        return f"{asked['redirect_uri']}?{urlencode({name: each for name, each in answer.items() if each is not None})}"

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        with self._lock:
            self.forms.append(form)
            if form["grant_type"] == "refresh_token":
                return self._refreshed(form)
            asked = self._codes.pop(form["code"], None)
            challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest())
            if asked is None or asked["code_challenge"] != challenge.rstrip(b"=").decode():
                # As some do, it repeats what it does not like.
                return 400, {"error": "invalid_grant", "error_description": f"code {form['code']}\nis not good"}
            return 200, self._tokens(secrets.token_hex(4))

    def revoke(self, form: dict[str, str]) -> None:
        self.revoked.add(self._families.get(form["token"], ""))

    def _refreshed(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        refresh_token = form["refresh_token"]
        family = self._families.get(refresh_token)
        if family and refresh_token in self._used:
            self.revoked.add(family)  # somebody has stolen it
        if family is None or family in self.revoked:
            return 400, {"error": "invalid_grant"}
        self._used.add(refresh_token)
        return 200, self._tokens(family)

    def _tokens(self, family: str) -> dict[str, Any]:
        access, refresh = self._make_token(jti=secrets.token_hex(8), **self.claims), self._secret("refresh")
        self.secrets.add(access)
        self._families[refresh] = family
        given = {"access_token": access, "refresh_token": refresh, "id_token": self._secret("id")}
        return given | {"token_type": "Bearer", "expires_in": self.expires_in}

    def _secret(self, kind: str) -> str:
        made = f"{kind}-{secrets.token_urlsafe(24)}"
        self.secrets.add(made)
        return made

    @contextmanager
    def running(self) -> Iterator["Provider"]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, provider: Provider) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.provider = provider


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        parts, provider = urlsplit(self.path), self.server.provider
        if parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(dict(parse_qsl(parts.query))))
            self.end_headers()
        elif parts.path.endswith("/.well-known/openid-configuration"):
            self._answer(200, provider.discovery())
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.server.provider.is_down:
            self._answer(503, {})
        elif self.path == "/revoke":
            self.server.provider.revoke(form)
            self._answer(200, {})
        else:
            self._answer(*self.server.provider.token(form))

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: the output is that of the test."""
