"""The API in memory answers over HTTP as API Gateway and the entry points do, and breaks as it is told to."""

import time

import httpx
import pytest

from tests.builders import RUN_ID, TRIGGER_ID
from tests.client.faults import (
    ANSWER_LOST,
    ANSWER_LOST_AND_CLOSED,
    HALF_AN_ANSWER,
    REQUEST_LOST,
    REQUEST_LOST_AND_CLOSED,
    slow,
    throttled,
    unavailable,
)
from tests.client.server import Api, token

RUNS = "/workspace/acme/api/v1/function-runs"
EXECUTE = f"/workspace/acme/api/v1/function-triggers/{TRIGGER_ID}/execute"


def ask(api: Api, method: str = "GET", path: str = RUNS, **options: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token()}"}
    return httpx.request(method, api.url + path, headers=headers, **options)  # type: ignore[arg-type]


def test_it_answers_as_the_entry_points_do(api: Api) -> None:
    assert [run["id"] for run in ask(api).json()["data"]] == [RUN_ID]
    assert ask(api, path=f"{RUNS}/not an id").json()["message"] == "Invalid run ID."
    assert ask(api, path=f"{RUNS}?recoverd=true").json()["field"] == "recoverd"
    assert httpx.get(api.url + "/openapi.json").json()["servers"] == [{"url": api.url}]


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": f"Bearer {token(exp=1)}"}])
def test_without_a_token_the_gateway_answers(api: Api, headers: dict[str, str]) -> None:
    answer = httpx.get(api.url + RUNS, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_a_token_has_grants(api: Api) -> None:
    headers = {"Authorization": f"Bearer {token('bob', 'acme/audit:read')}"}
    answer = httpx.get(api.url + RUNS, headers=headers)
    assert answer.json()["code"] == "FORBIDDEN"
    assert answer.json()["requestId"] == answer.headers["apigw-requestid"]


def test_runs_are_executed_when_they_are_to_be(api: Api) -> None:
    run_id = ask(api, "POST", EXECUTE, json={}).json()["jobId"]
    assert ask(api, path=f"{RUNS}/{run_id}").json()["status"] == "pending"
    assert api.execute_pending() == 1
    assert ask(api, path=f"{RUNS}/{run_id}").json()["status"] == "completed"


def test_runs_are_executed_meanwhile(api: Api) -> None:
    with api.executing():
        run_id = ask(api, "POST", EXECUTE, json={}).json()["jobId"]
        until = time.monotonic() + 10
        while ask(api, path=f"{RUNS}/{run_id}").json()["status"] != "completed":
            assert time.monotonic() < until


def test_the_gateway_refuses_when_it_is_told_to(api: Api) -> None:
    api.inject(throttled(), throttled("3"), unavailable("0"))
    answers = [ask(api, "POST", EXECUTE, json={}) for _ in range(4)]
    assert [each.status_code for each in answers] == [429, 429, 503, 202]
    assert [each.headers.get("retry-after") for each in answers] == [None, "3", "0", None]
    assert answers[0].json() == {"message": "Too Many Requests"}
    assert len(api.world.runs.runs) == 2


@pytest.mark.parametrize(
    ("fault", "error", "started"),
    [
        (REQUEST_LOST, httpx.ReadError, 0),
        (REQUEST_LOST_AND_CLOSED, httpx.RemoteProtocolError, 0),
        (ANSWER_LOST, httpx.ReadError, 1),
        (ANSWER_LOST_AND_CLOSED, httpx.RemoteProtocolError, 1),
        (HALF_AN_ANSWER, httpx.RemoteProtocolError, 1),
    ],
)
def test_requests_and_answers_are_lost(api: Api, fault: object, error: type[Exception], started: int) -> None:
    api.inject(fault, of="POST ")  # type: ignore[arg-type]
    assert ask(api).status_code == 200
    with pytest.raises(error):
        ask(api, "POST", EXECUTE, json={})
    assert len(api.world.runs.runs) == 1 + started


def test_it_is_slow(api: Api) -> None:
    api.inject(slow(0.2))
    with pytest.raises(httpx.ReadTimeout):
        ask(api, timeout=0.05)


def test_it_goes_and_comes_back_on_the_same_port(api: Api) -> None:
    with httpx.Client(headers={"Authorization": f"Bearer {token()}"}) as kept:
        assert kept.get(api.url + RUNS).status_code == 200
        api.go()
        with pytest.raises((httpx.ConnectError, httpx.RemoteProtocolError)):
            kept.get(api.url + RUNS)
        with pytest.raises(httpx.ConnectError):
            kept.get(api.url + RUNS)
        api.come_back()
        assert kept.get(api.url + RUNS).status_code == 200
