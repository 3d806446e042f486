"""Who waits for a run learns of its end, whatever becomes of the service meanwhile."""

from collections.abc import Iterator

import pytest
from function_rerun import (
    Client,
    ConnectionFailed,
    FunctionRerunError,
    NotFound,
    Throttled,
    TokenUnavailable,
    Unauthorized,
    WaitTimeout,
)

from tests.builders import RUN_ID, TRIGGER_ID, an_id
from tests.client.clocks import FakeClock, FastClock
from tests.client.faults import ANSWER_LOST, HALF_AN_ANSWER, REQUEST_LOST_AND_CLOSED, slow, throttled, unavailable
from tests.client.scripted import RUN, Service, broken, client, gateway
from tests.client.server import Api, token

FAULTS = {
    "throttled": throttled(),
    "throttled for 3 s": throttled("3"),
    "unavailable": unavailable(),
    "reset": ANSWER_LOST,
    "closed": REQUEST_LOST_AND_CLOSED,
    "half an answer": HALF_AN_ANSWER,
    "slow": slow(0.2),
}


@pytest.fixture
def waiting(api: Api) -> Iterator[Client]:
    with Client(api.url, workspace="acme", auth=token(), timeout=10, clock=FastClock()) as client:
        yield client


def test_a_run_that_has_ended_is_not_waited_for() -> None:
    clock = FakeClock()
    assert client(Service(), clock).wait("r") == RUN
    assert clock.slept == []


def test_it_is_read_less_often_the_longer_it_takes(api: Api) -> None:
    clock = FakeClock()
    with Client(api.url, workspace="acme", auth=token(), clock=clock) as own:
        job = own.execute_trigger(TRIGGER_ID)["jobId"]
        with pytest.raises(WaitTimeout, match=r"within 60 seconds; it was pending") as told:
            own.wait(job, timeout=60)
    assert told.value.run is not None
    assert told.value.run["id"] == job
    assert (clock.slept[0], max(clock.slept), round(sum(clock.slept))) == (0.2, 5, 60)
    assert len(clock.slept) < 25


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_it_waits_on_after_a_fault(api: Api, waiting: Client, fault: object) -> None:
    job = waiting.execute_trigger(TRIGGER_ID)["jobId"]
    troubles: list[FunctionRerunError] = []
    seen: list[str] = []
    api.inject(fault, fault, of="GET ")  # type: ignore[arg-type]
    with api.executing(every_seconds=0.05):
        run = waiting.wait(
            job, timeout=1000, on_poll=lambda run: seen.append(run["status"]), on_trouble=troubles.append
        )
    assert run["status"] == "completed"
    assert len(troubles) == 2
    assert seen[-1] == "completed"


def test_it_waits_on_while_the_service_is_gone_for_20_seconds(api: Api, waiting: Client) -> None:
    job = waiting.execute_trigger(TRIGGER_ID)["jobId"]
    troubles: list[FunctionRerunError] = []
    back = api.gone_for(20 / FastClock.SCALE)
    with api.executing():
        assert waiting.wait(job, on_trouble=troubles.append)["status"] == "completed"
    back.join()
    assert len(troubles) >= 3
    assert {type(each) for each in troubles} <= {ConnectionFailed, *ConnectionFailed.__subclasses__()}


def test_a_time_that_the_service_names_is_kept() -> None:
    clock = FakeClock()
    client(Service(gateway(429, Retry_After="60")), clock).wait("r")
    assert clock.slept == [60]


@pytest.mark.parametrize("value", ["3600", "9" * 11, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_it_looks_again_after_a_minute_whatever_time_the_service_names(value: str) -> None:
    clock = FakeClock()
    client(Service(gateway(503, Retry_After=value)), clock).wait("r")
    assert clock.slept == [60]


def test_it_waits_on_while_the_identity_provider_does_not_answer() -> None:
    faults = [TokenUnavailable("The provider does not answer.", is_transient=True)] * 3

    def token() -> str:
        if faults:
            raise faults.pop()
        return "a-token"

    assert client(Service(), auth=token).wait("r") == RUN


def test_it_does_not_wait_longer_than_it_may() -> None:
    clock = FakeClock()
    with pytest.raises(WaitTimeout, match="the service has not answered") as told:
        client(Service(*[broken() for _ in range(50)]), clock).wait("r", timeout=30)
    assert told.value.run is None
    assert round(sum(clock.slept)) == 30


def test_whoever_does_not_want_to_wait_sees_the_run_once() -> None:
    service = Service()
    assert client(service).wait("r", timeout=0) == RUN
    assert len(service.requests) == 1


@pytest.mark.parametrize(("status", "error"), [(401, Unauthorized), (404, NotFound)])
def test_what_does_not_pass_ends_it(status: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        client(Service(gateway(status))).wait("r")


def test_a_run_that_is_not_there_is_not_waited_for(waiting: Client) -> None:
    with pytest.raises(NotFound):
        waiting.wait(an_id(99))
    assert waiting.wait(RUN_ID)["status"] == "completed"


def test_trouble_is_told_as_what_it_is() -> None:
    troubles: list[FunctionRerunError] = []
    client(Service(gateway(429))).wait("r", on_trouble=troubles.append)
    assert [type(each) for each in troubles] == [Throttled]
