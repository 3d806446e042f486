"""When the client asks again, when it does not, and what its errors say."""

import traceback
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from function_rerun import (
    ApiError,
    Client,
    Conflict,
    ConnectionFailed,
    Forbidden,
    FunctionRerunError,
    InsecureUrl,
    InvalidAnswer,
    InvalidToken,
    NotFound,
    OutcomeUnknown,
    Refused,
    ServiceFault,
    Stale,
    Throttled,
    Unauthorized,
    Unavailable,
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


class TestRetries:
    @pytest.mark.parametrize(
        "flaw", [lambda: gateway(429), lambda: gateway(503), lambda: gateway(500), broken, refused]
    )
    def test_a_read_is_tried_again(self, flaw: Callable[[], Scripted]) -> None:
        service = Service(flaw(), flaw())
        assert client(service).get_run("r") == RUN
        assert len(service.requests) == 3

    def test_it_waits_longer_each_time_and_ends_within_its_time(self) -> None:
        clock, service = FakeClock(), Service(*[broken() for _ in range(100)])
        with pytest.raises(ConnectionFailed):
            client(service, clock).get_run("r")
        assert clock.slept == [0.5, 1, 2, 4, 8, 10, 10, 10, 10]

    def test_chance_decides_how_long(self) -> None:
        clock = FakeClock()
        clock.below = lambda limit: limit / 4  # type: ignore[method-assign]
        client(Service(broken(), broken()), clock).get_run("r")
        assert clock.slept == [0.125, 0.25]

    @pytest.mark.parametrize("value", ["3", " 3 ", "{date}"])
    def test_never_sooner_than_the_service_says(self, value: str) -> None:
        clock = FakeClock()
        sent = value.format(date=formatdate(clock.now() + 3, usegmt=True))
        client(Service(gateway(503, Retry_After=sent)), clock).get_run("r")
        assert clock.slept == [3]

    @pytest.mark.parametrize(
        "value", ["soon", "-3", "", "Fri, 32 Nov 2026 00:00:00 GMT", "Fri, 01 Nov 1990 00:00:00 GMT"]
    )
    def test_what_is_no_time_ahead_does_not_count(self, value: str) -> None:
        clock = FakeClock()
        client(Service(gateway(503, Retry_After=value)), clock).get_run("r")
        assert clock.slept == [0.5]

    def test_what_takes_longer_than_there_is_time_is_told_at_once(self) -> None:
        clock, service = FakeClock(), Service(gateway(503, Retry_After="3600"))
        with pytest.raises(Unavailable) as told:
            client(service, clock).get_run("r")
        assert (told.value.retry_after, clock.slept) == (3600, [])

    def test_too_many_requests_are_not_sent_again_within_a_second(self) -> None:
        clock = FakeClock()
        clock.below = lambda limit: 0 * limit  # type: ignore[method-assign]
        client(Service(gateway(429)), clock).get_run("r")
        assert clock.slept == [1]

    def test_who_waits_is_told_why_and_how_long(self) -> None:
        told: list[tuple[str, float]] = []
        service = Service(gateway(429), refused())
        client(service, on_retry=lambda error, seconds: told.append((error.message, seconds))).get_run("r")
        assert told == [("Some Words", 1), (f"{URL} is not reached: [Errno 111] Connection refused", 1)]

    def test_without_time_for_it_nothing_is_tried_again(self) -> None:
        service = Service(broken())
        with pytest.raises(ConnectionFailed):
            client(service, retry_seconds=0).get_run("r")
        assert len(service.requests) == 1

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 413, 428])
    def test_a_refusal_is_not_tried_again(self, status: int) -> None:
        service = Service(refusal(status, "SOME_CODE"))
        with pytest.raises(ApiError):
            client(service).rerun("r")
        assert len(service.requests) == 1

    def test_a_fault_of_the_service_is_not_tried_again(self) -> None:
        service = Service(refusal(500, "INTERNAL_ERROR"))
        with pytest.raises(ServiceFault):
            client(service).get_run("r")
        assert len(service.requests) == 1

    def test_what_starts_something_has_one_key_in_all_attempts(self) -> None:
        service = Service(broken(), gateway(429), gateway(503))
        own = client(service)
        own.rerun("r")
        own.rerun("r")
        own.rerun("r", idempotency_key="mine")
        keys = [request.headers["idempotency-key"] for request in service.requests]
        assert len({*keys[:4]}) == 1
        assert len({*keys}) == 3
        assert keys[-1] == "mine"

    def test_a_plan_which_starts_nothing_is_tried_again_without_a_key(self) -> None:
        service = Service(broken())
        client(service).plan_rerun("r")
        assert [request.headers.get("idempotency-key") for request in service.requests] == [None, None]


CHANGES: list[Callable[[Client], Any]] = [
    lambda own: own.register_function(name="n", function_arn="arn"),
    lambda own: own.change_function("f", name="n", version=1),
    lambda own: own.delete_function("f"),
    lambda own: own.create_trigger(name="n", function_id="f", execution_type="on-demand"),
    lambda own: own.change_trigger("t", enabled=True, version=1),
    lambda own: own.delete_trigger("t"),
    lambda own: own.rotate_secret("t"),
]


class TestUnknownOutcomes:
    @pytest.mark.parametrize("change", CHANGES)
    @pytest.mark.parametrize(
        "flaw", [broken, lambda: gateway(503), lambda: gateway(500), lambda: httpx.ReadTimeout("")]
    )
    def test_what_may_not_be_done_twice_is_not_sent_again(
        self, change: Callable[[Client], Any], flaw: Callable[[], Scripted]
    ) -> None:
        service = Service(flaw())
        with pytest.raises(OutcomeUnknown, match=r"so it is not known whether .* was \w+: .*tells"):
            change(client(service))
        assert len(service.requests) == 1

    @pytest.mark.parametrize("change", CHANGES)
    def test_what_was_not_taken_is_sent_again(self, change: Callable[[Client], Any]) -> None:
        service = Service(gateway(429), refused(), httpx.ConnectTimeout(""))
        change(client(service))
        assert len(service.requests) == 4

    def test_what_was_sent_in_vain_tells_the_key_to_ask_with(self) -> None:
        with pytest.raises(OutcomeUnknown) as told:
            client(Service(*[broken() for _ in range(100)])).rerun("r", idempotency_key="mine")
        assert told.value.idempotency_key == "mine"

    def test_a_token_that_ends_in_between_leaves_it_unknown(self) -> None:
        with pytest.raises(OutcomeUnknown):
            client(Service(broken(), gateway(401))).rerun("r")

    def test_a_refusal_settles_it(self) -> None:
        with pytest.raises(Conflict):
            client(Service(broken(), refusal(409, "RERUN_OPEN"))).rerun("r")

    def test_what_never_arrived_is_not_unknown(self) -> None:
        with pytest.raises(ConnectionFailed):
            client(Service(*[refused() for _ in range(100)])).rerun("r")


class TestErrors:
    @pytest.mark.parametrize(
        ("answer", "kind", "code"),
        [
            (refusal(400, "INVALID_REQUEST", field="limit"), Refused, "INVALID_REQUEST"),
            (gateway(401), Unauthorized, ""),
            (refusal(403, "FORBIDDEN"), Forbidden, "FORBIDDEN"),
            (refusal(404, "NOT_FOUND"), NotFound, "NOT_FOUND"),
            (refusal(412, "STALE_VERSION"), Stale, "STALE_VERSION"),
            (gateway(413), Refused, ""),
            (gateway(429), Throttled, ""),
            (httpx.Response(502, text="<html>"), Unavailable, ""),
            (httpx.Response(503, json={"message": None}), Unavailable, ""),
            (httpx.Response(599), Unavailable, ""),
            (refusal(500, "SERVICE_MISCONFIGURED"), ServiceFault, "SERVICE_MISCONFIGURED"),
        ],
    )
    def test_each_has_its_class_and_code(self, answer: httpx.Response, kind: type[ApiError], code: str) -> None:
        with pytest.raises(ApiError) as told:
            client(Service(answer), retry_seconds=0).get_run("r")
        assert type(told.value) is kind
        assert (told.value.code, told.value.status) == (code, answer.status_code)
        assert told.value.message

    def test_one_has_the_sentence_and_the_request_id_of_the_service(self) -> None:
        answer = refusal(409, "RERUN_OPEN", runId="other", field="ifNotRecovered")
        with pytest.raises(Conflict) as told:
            client(Service(answer)).rerun("r")
        assert str(told.value) == "A sentence. (RERUN_OPEN, request id=)"
        assert (told.value.message, told.value.request_id) == ("A sentence.", "id=")
        assert (told.value.field, told.value.document["runId"]) == ("ifNotRecovered", "other")

    def test_the_gateway_s_has_its_request_id(self) -> None:
        with pytest.raises(Unauthorized) as told:
            client(Service(gateway(401))).get_run("r")
        assert str(told.value) == "Some Words (request id=)"

    @pytest.mark.parametrize(
        "answer",
        [
            httpx.Response(200, text="<html>a login page</html>", headers={"Content-Type": "text/html"}),
            httpx.Response(200, json=[1]),
            httpx.Response(302, headers={"Location": "https://elsewhere.example.com"}),
        ],
    )
    def test_what_is_not_the_api_is_told_at_once(self, answer: httpx.Response) -> None:
        service = Service(answer)
        with pytest.raises(InvalidAnswer):
            client(service).rerun("r")
        assert len(service.requests) == 1

    @pytest.mark.parametrize("page", [{}, {"data": [], "meta": {}}, {"data": [], "meta": {"nextCursor": "same"}}])
    def test_a_list_that_does_not_go_on_ends(self, page: dict[str, Any]) -> None:
        service = Service(*[httpx.Response(200, json=page) for _ in range(3)])
        with pytest.raises(InvalidAnswer):
            list(client(service).list_runs(cursor="same"))

    def test_half_a_json_text_is_a_broken_connection(self) -> None:
        half = httpx.Response(200, content=b'{"id": "r", ', headers={"Content-Type": "application/json; charset=utf-8"})
        service = Service(half)
        assert client(service).get_run("r") == RUN

    def test_what_drips_is_not_waited_for(self) -> None:
        clock = FakeClock()

        def drops() -> Iterator[bytes]:
            for _ in range(1000):
                clock.sleep(1)
                yield b" "

        with pytest.raises(ConnectionFailed, match="in time"):
            client(Service(httpx.Response(200, content=drops())), clock, retry_seconds=0).get_run("r")
        assert len(clock.slept) == 36


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
        assert TOKEN not in str(vars(client(Service())))

    @pytest.mark.parametrize(
        "url",
        [
            "http://api.example.com",
            "http://127.0.0.1.example.com",
            "http://localhost.example.com",
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

    @pytest.mark.parametrize(
        "url", ["http://127.0.0.1:80/", "http://[::1]", "http://localhost:1", "http://a.localhost"]
    )
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


@pytest.mark.parametrize("name", ["a/b", "a b", "..", "ü", "\ud800", "?x", "a%2Fb"])
def test_an_id_cannot_lead_elsewhere(name: str) -> None:
    service = Service()
    client(service).get_run(name)
    path = service.requests[0].url.raw_path.decode()
    assert path.count("/") == 6
    assert "?" not in path


def test_nan_is_no_json() -> None:
    service = Service()
    with pytest.raises(ValueError, match="JSON"):
        client(service).rerun("r", override_params={"a": float("nan")})
    assert service.requests == []
