"""What fails is tried again, if that can do no harm; what may have been done is said to be unknown."""

from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import httpx
import pytest
from function_rerun import (
    ApiError,
    Client,
    Conflict,
    ConnectionFailed,
    OutcomeUnknown,
    ServiceFault,
    TokenUnavailable,
    Unavailable,
)

from tests.client.clocks import FakeClock
from tests.client.scripted import RUN, URL, Scripted, Service, broken, client, gateway, refusal, refused


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
        assert "not before 3600 s" in str(told.value)

    @pytest.mark.parametrize("value", ["9" * 11, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
    def test_what_no_clock_can_sleep_is_a_day(self, value: str) -> None:
        with pytest.raises(Unavailable) as error:
            client(Service(gateway(503, Retry_After=value))).get_run("r")
        assert error.value.retry_after == 24 * 3600

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
        with pytest.raises(OutcomeUnknown, match=r"so it is not known whether .* was \w+: .*tells") as unknown:
            change(client(service))
        # A command line says in its own words how to find out.
        assert "tells" not in unknown.value.message
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


class TestTokens:
    """Of a source that fails, as an identity provider's may."""

    def test_a_source_that_fails_once_is_asked_again(self) -> None:
        own = client(Service(), auth=Tokens("first", ConnectionResetError("a-secret")))
        assert [own.get_run("r"), own.get_run("r")] == [RUN, RUN]

    def test_a_source_that_has_none_is_not_asked_again(self) -> None:
        clock = FakeClock()
        with pytest.raises(TokenUnavailable, match=r"has failed \(KeyError\)"):
            client(Service(), clock, auth=Tokens(KeyError("a-secret"))).get_run("r")
        assert clock.slept == []

    @pytest.mark.parametrize("fault", [ConnectionResetError(""), KeyError(""), TokenUnavailable("It is not there.")])
    def test_after_a_lost_answer_it_leaves_it_unknown(self, fault: Exception) -> None:
        service = Service(broken())
        with pytest.raises(OutcomeUnknown):
            client(service, auth=Tokens("first", *[fault] * 100)).rerun("r")
        assert len(service.requests) == 1

    def test_a_refused_token_that_cannot_be_renewed_settles_it(self) -> None:
        with pytest.raises(TokenUnavailable):
            client(Service(gateway(401)), auth=Tokens("first", KeyError(""))).rerun("r")


class Tokens:
    """A token or a fault each time that it is asked, and then always a token."""

    def __init__(self, *script: str | Exception) -> None:
        self._script = list(script)

    def __call__(self) -> str:
        given = self._script.pop(0) if self._script else "a-token"
        if isinstance(given, Exception):
            raise given
        return given
