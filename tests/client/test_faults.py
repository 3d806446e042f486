"""However requests and answers are lost, a call starts what it is to start once, and is answered with what it started."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from function_rerun import Client, OutcomeUnknown

from handlers.domain import clock
from tests.builders import RUN_ID, TRIGGER_ID, a_run
from tests.client.clocks import FakeClock
from tests.client.faults import (
    ANSWER_LOST,
    ANSWER_LOST_AND_CLOSED,
    HALF_AN_ANSWER,
    REQUEST_LOST,
    REQUEST_LOST_AND_CLOSED,
    Fault,
    slow,
    throttled,
    unavailable,
)
from tests.client.server import Api, token

FAULTS = {
    "request lost": REQUEST_LOST,
    "request lost, closed": REQUEST_LOST_AND_CLOSED,
    "answer lost": ANSWER_LOST,
    "answer lost, closed": ANSWER_LOST_AND_CLOSED,
    "half an answer": HALF_AN_ANSWER,
    "throttled": throttled(),
    "throttled for 7 s": throttled("7"),
    "unavailable": unavailable(),
}
# What may have happened by the time that an answer arrives at last: once, twice, three times in a row.
POINTS = [each for times in (1, 2) for each in product(FAULTS, repeat=times)] + [
    ("answer lost",) * 3,
    ("answer lost", "request lost", "half an answer", "unavailable"),
]
PAYLOAD = {"order": 4711}


def planned(client: Client) -> str:
    options: dict[str, Any] = {"override_params": PAYLOAD, "if_not_recovered": True}
    token = client.plan_rerun(RUN_ID, **options)["planToken"]
    assert token is not None
    return token


# Each with how many runs it starts; what comes first is not disturbed.
STARTING: dict[str, tuple[int, Callable[[Client], Callable[[], list[str]]]]] = {
    "rerun": (1, lambda client: lambda: [client.rerun(RUN_ID)["jobId"]]),
    "rerun, planned": (1, lambda client: _rerun_of_plan(client, planned(client))),
    "experiment": (4, lambda client: lambda: _runs_of(client.start_experiment(RUN_ID))),
    "execute": (1, lambda client: lambda: [client.execute_trigger(TRIGGER_ID, payload=PAYLOAD)["jobId"]]),
}


def _rerun_of_plan(client: Client, plan_token: str) -> Callable[[], list[str]]:
    options: dict[str, Any] = {"override_params": PAYLOAD, "if_not_recovered": True, "plan_token": plan_token}
    return lambda: [client.rerun(RUN_ID, **options)["jobId"]]


def _runs_of(accepted: Any) -> list[str]:
    return [*accepted["pinned"], *accepted["candidate"]]


@pytest.fixture
def client(api: Api) -> Iterator[Client]:
    with Client(api.url, workspace="acme", auth=token(), timeout=5, clock=FakeClock()) as client:
        yield client


def started(api: Api) -> set[str]:
    return {*api.world.runs.runs} - {RUN_ID}


def start_over(api: Api) -> None:
    """The failed run is there again, and none that it has started."""
    store = api.world.runs
    store.runs.clear()
    store.lineages.clear()
    store.acts.clear()
    api.world.has_run(a_run(status="failure", created_at=clock.now()), b'{"a":1}')


@pytest.mark.parametrize("name", STARTING)
def test_a_post_that_is_sent_again_never_starts_two(api: Api, client: Client, name: str) -> None:
    runs, prepare = STARTING[name]
    for point in POINTS:
        start_over(api)
        start = prepare(client)
        sent = len(api.requests)
        api.inject(*(FAULTS[each] for each in point), of="POST ")
        told = start()
        assert (len(told), {*told}) == (runs, started(api)), point
        assert len(api.requests) - sent == len(point) + 1
        assert len(api.world.audit_log.acts) == 1, point


@pytest.mark.parametrize("name", STARTING)
def test_what_the_first_request_does_late_is_not_done_twice(api: Api, name: str) -> None:
    runs, prepare = STARTING[name]
    start_over(api)
    with Client(api.url, workspace="acme", auth=token(), timeout=0.15, clock=FakeClock()) as client:
        start = prepare(client)
        api.inject(slow(0.3), of="POST ")
        told = start()
    api.finish()
    assert (len(told), {*told}) == (runs, started(api))
    assert len([each for each in api.requests if "plan" not in each.path]) == 2


def test_who_was_never_answered_asks_with_the_same_key(api: Api, client: Client) -> None:
    api.inject(*[ANSWER_LOST] * 30)
    with pytest.raises(OutcomeUnknown) as unknown:
        client.execute_trigger(TRIGGER_ID, payload=PAYLOAD)
    api.forget_faults()
    key = unknown.value.idempotency_key
    assert {client.execute_trigger(TRIGGER_ID, payload=PAYLOAD, idempotency_key=key)["jobId"]} == started(api)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_cancelling_and_erasing_are_done_whatever_is_lost(api: Api, client: Client, fault: Fault) -> None:
    job = client.execute_trigger(TRIGGER_ID)["jobId"]
    api.inject(fault, of="/cancel")
    assert client.cancel(job)["status"] == "cancelled"
    api.inject(fault, of="DELETE ")
    client.erase(job)
    assert client.get_run(job)["erasedAt"]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_trigger_is_created_once_or_it_is_said_to_be_unknown(api: Api, client: Client, fault: Fault) -> None:
    before = {each["id"] for each in client.list_triggers()}
    api.inject(fault, of="POST ")
    function_id = next(client.list_functions())["id"]
    try:
        made = {client.create_trigger(name="new", function_id=function_id, execution_type="on-demand")["id"]}
    except OutcomeUnknown:
        assert fault.status == 503 or fault.answered != "whole"
        made = {each["id"] for each in client.list_triggers()} - before
        assert len(made) == (fault.processed and fault.status is None)
    assert {each["id"] for each in client.list_triggers()} == before | made


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_list_goes_on_after_a_fault_in_its_middle(api: Api, client: Client, fault: Fault) -> None:
    jobs = [client.execute_trigger(TRIGGER_ID)["jobId"] for _ in range(5)]
    listed = client.list_runs(limit=2)
    first = next(listed)
    api.inject(fault, fault)
    assert [first["id"], *(each["id"] for each in listed)] == [*sorted(jobs, key=_newest(api), reverse=True), RUN_ID]


def _newest(api: Api) -> Callable[[str], Any]:
    return lambda run_id: (api.world.run(run_id).created_at, run_id)
