"""A whole document that was read, and is put back after somebody else has changed what it shows."""

import json
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from handlers import api_registry
from handlers.domain import clock
from tests.builders import FUNCTION_ID, TRIGGER_ID
from tests.entry_points.events import OWN, answer_of, http_event

KINDS = {
    "compute-functions/{functionId}": {"functionId": FUNCTION_ID},
    "function-triggers/{triggerId}": {"triggerId": TRIGGER_ID},
}


def asked(method: str, path: str, body: Any = None) -> tuple[int, Any]:
    text = None if body is None else json.dumps(body)
    return answer_of(api_registry, http_event(f"{method} /{path}", {"workspace": OWN} | KINDS[path], body=text))


@pytest.fixture
def passing_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every change has a moment of its own."""
    begun, seconds = clock.now(), count(1)
    monkeypatch.setattr(clock, "now", lambda: begun + timedelta(seconds=next(seconds)))


@pytest.mark.usefixtures("world", "passing_time")
@pytest.mark.parametrize("path", KINDS)
def test_it_is_stale_whatever_it_says_of_the_last_change(path: str) -> None:
    _, read = asked("GET", path)
    assert asked("PUT", path, {"version": read["version"], "name": "renamed meanwhile"})[0] == 200
    status, answer = asked("PUT", path, read | {"name": "renamed too late"})
    assert (status, answer["code"]) == (412, "STALE")


@pytest.mark.usefixtures("world")
def test_a_null_does_not_end_capturing() -> None:
    status, answer = asked(
        "PUT", "compute-functions/{functionId}", {"version": 1, "captureFailures": {"triggerId": None}}
    )
    assert (status, answer["code"], answer["field"]) == (400, "INVALID_REQUEST", "captureFailures.triggerId")
