"""What the client's errors say, and of what it makes them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from function_rerun import (
    ApiError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    InvalidAnswer,
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
from tests.client.scripted import RUN, Service, client, gateway, refusal


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
            httpx.Response(200),
            httpx.Response(200, content=b" " * 16_000_001),
        ],
    )
    def test_what_is_not_the_api_is_said_at_once(self, answer: httpx.Response) -> None:
        service = Service(answer, answer)
        with pytest.raises(InvalidAnswer):
            client(service).get_run("r")
        with pytest.raises(OutcomeUnknown):  # it may stand in the place of the API's own answer
            client(service).erase("r")
        assert len(service.requests) == 2

    def test_a_redirect_has_changed_nothing_and_is_not_followed(self) -> None:
        service = Service(httpx.Response(302, headers={"Location": "https://elsewhere.example.com"}))
        with pytest.raises(InvalidAnswer):
            client(service).rerun("r")
        assert len(service.requests) == 1

    def test_a_fault_of_the_service_leaves_open_whether_a_run_was_started(self) -> None:
        fault = httpx.Response(500, json={"code": "INTERNAL_ERROR", "message": "x", "requestId": "q"})
        with pytest.raises(OutcomeUnknown):
            client(Service(fault)).rerun("r")

    def test_pages_that_lead_round_in_a_circle_end(self) -> None:
        pages = [httpx.Response(200, json={"data": [], "meta": {"nextCursor": each}}) for each in "aba"]
        with pytest.raises(InvalidAnswer):
            list(client(Service(*pages)).list_runs())

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
