"""Tokens and content: where they go, and where they are never seen."""

import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from function_rerun import (
    Client,
    ConnectionFailed,
    FunctionRerunError,
    InsecureUrl,
    InvalidToken,
    Unauthorized,
)

from tests.client.scripted import CONTENT, RUN, TOKEN, URL, Scripted, Service, broken, client, gateway, refused


def parts_of(whole: Any) -> list[Any]:
    """It, and whatever of the client's own classes it is made of."""
    parts = [each for each in vars(whole).values() if type(each).__module__.startswith("function_rerun")]
    return [whole, *(part for each in parts if hasattr(each, "__dict__") for part in parts_of(each))]


class TestSecrets:
    @pytest.mark.parametrize(
        "flaw", [broken, refused, lambda: gateway(401), lambda: gateway(503), lambda: httpx.Response(200, text=TOKEN)]
    )
    def test_no_error_shows_the_token_or_what_was_sent(
        self, flaw: Callable[[], Scripted], caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("DEBUG")
        with pytest.raises(FunctionRerunError) as told:
            client(Service(flaw()), retry_seconds=0).rerun("r", override_params=CONTENT, idempotency_key="mine")
        error = told.value
        assert (error.__cause__, error.__context__) == (None, None)
        shown = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
        assert TOKEN not in shown
        assert "4711" not in shown
        # Not even with the variables of each frame, as some tools show them, is there a token.
        with_variables = traceback.TracebackException.from_exception(error, capture_locals=True)
        assert TOKEN not in str([frame.locals for frame in with_variables.stack if frame.filename != __file__])

    def test_neither_does_the_client(self) -> None:
        assert repr(client(Service())) == f"Client('{URL}', workspace='acme')"
        parts = parts_of(client(Service()))
        assert {type(each).__name__ for each in parts} >= {"Client", "Transport", "BearerAuth"}
        assert [each for each in parts if TOKEN in repr(each)] == []
        # One part has it, and no other a copy.
        assert [type(each).__name__ for each in parts if TOKEN in str(vars(each))] == ["BearerAuth"]

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
            "http://a.localhost",
            "http://10.0.0.1",
            "ftp://127.0.0.1",
            "https://",
            "api.example.com",
            "https://alice:secret@api.example.com",
            "https://api.example.com/?a=secret",
        ],
    )
    def test_a_token_goes_in_clear_to_this_machine_only(self, url: str) -> None:
        with pytest.raises(InsecureUrl) as told:
            client(Service(), url=url)
        assert "secret" not in str(told.value)

    @pytest.mark.parametrize("url", ["http://127.0.0.1:80/", "http://[::1]", "http://localhost:1"])
    def test_to_this_machine_it_does(self, url: str) -> None:
        assert client(Service(), url=url).get_run("r") == RUN

    @pytest.mark.parametrize("token", ["", "two words", "ü", "line\r\nX: y"])
    def test_what_no_header_can_hold_is_not_quoted(self, token: str) -> None:
        service = Service()
        with pytest.raises(InvalidToken) as told:
            client(service, auth=token).get_run("r")
        assert not token or token not in str(told.value)
        assert service.requests == []

    def test_what_stands_around_a_token_does_not_count(self) -> None:
        service = Service()
        client(service, auth=f" {TOKEN}\n").get_run("r")
        assert service.requests[0].headers["authorization"] == f"Bearer {TOKEN}"

    @pytest.mark.parametrize("key", ["", "ü", "x" * 256, "a\nb"])
    def test_a_key_that_no_header_can_hold_is_refused(self, key: str) -> None:
        service = Service()
        with pytest.raises(ValueError, match="idempotency_key"):
            client(service).rerun("r", idempotency_key=key)
        assert service.requests == []

    def test_nothing_of_this_machine_goes_to_a_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com")
        own = Client("http://127.0.0.1:1", workspace="acme", auth=TOKEN, retry_seconds=0)
        with own, pytest.raises(ConnectionFailed, match=r"http://127\.0\.0\.1:1 is not reached"):
            own.get_run("r")


class TestTokens:
    def test_a_refused_token_is_renewed_once(self) -> None:
        tokens = iter(["old", "new"])
        service = Service(gateway(401))
        assert client(service, auth=lambda: next(tokens)).get_run("r") == RUN
        assert [request.headers["authorization"] for request in service.requests] == ["Bearer old", "Bearer new"]

    def test_the_same_token_is_not_sent_again(self) -> None:
        service = Service(gateway(401))
        with pytest.raises(Unauthorized):
            client(service, auth=lambda: TOKEN).get_run("r")
        assert len(service.requests) == 1

    def test_an_auth_of_httpx_is_taken_as_it_is(self) -> None:
        service = Service()
        client(service, auth=httpx.BasicAuth("a", "b")).get_run("r")
        assert service.requests[0].headers["authorization"].startswith("Basic ")

    def test_the_program_names_itself(self) -> None:
        service = Service()
        client(service, used_by="my-tool/1").get_run("r")
        assert service.requests[0].headers["user-agent"].startswith("my-tool/1 fnrun")
