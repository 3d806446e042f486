"""Who types a command while the service is away sees why it takes so long."""

import pytest

from tests.client.cli import Fnrun
from tests.client.faults import REQUEST_LOST, throttled
from tests.client.server import Api


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("function_rerun.clock.Clock.sleep", lambda self, seconds: None)


def test_what_is_tried_again_is_said(as_alice: Fnrun, api: Api) -> None:
    api.inject(throttled("2"), REQUEST_LOST)
    shown = as_alice("runs", "list")
    assert shown.code == 0
    assert shown.stderr.splitlines()[:2] == [
        "Too Many Requests: trying again in 2 s",
        f"The connection to {api.url} broke before it had answered: trying again in 1 s",
    ]


def test_with_json_stderr_is_for_the_error_only(as_alice: Fnrun, api: Api) -> None:
    api.inject(throttled("2"))
    assert as_alice("runs", "list", "-o", "json").stderr == ""
