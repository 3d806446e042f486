"""Runs that have failed, and somebody at a terminal who answers questions."""

import io
import sys
from typing import Any

import pytest
from function_rerun import Client

from handlers.domain.runs.run import FunctionRun
from tests.builders import a_run, an_id
from tests.client.server import Api

FAILED = an_id(5)
PARAMETERS = b'{"order":{"id":"o-5","total":20},"mode":"strict"}'


def a_failed_run(api: Api, run_id: str = FAILED, **changes: Any) -> FunctionRun:
    failed = {"status": "failure", "error_code": "OrderInvalid", "error_source": "function"}
    return api.world.has_run(a_run(id=run_id, **failed | changes), PARAMETERS)


def a_started_batch(api: Api) -> str:
    """Of all that has failed."""
    with Client(api.url, workspace="acme", auth=api.token()) as client:
        return client.start_rerun_batch(filter={"from": "2020-01-01T00:00:00Z"}, reason="why")["batchId"]


def answers(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Somebody is there to be asked."""
    monkeypatch.setattr("fnrun.output.ask.is_interactive", lambda: True)
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))


def reruns_of(api: Api, run_id: str = FAILED) -> list[FunctionRun]:
    return [run for run in api.world.runs.runs.values() if run.source_run_id == run_id]
