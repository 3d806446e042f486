"""A list is read page by page: how many there are makes no difference to the memory that it takes."""

import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from function_rerun import Client

from handlers.api.runs import RunView
from tests.builders import a_run
from tests.client.clocks import FakeClock
from tests.client.scripted import TOKEN, URL

PAGE = 100


@pytest.fixture
def client() -> Iterator[Client]:
    run = RunView.of(a_run(rerun_reason="x" * 500)).document()

    def page(request: httpx.Request) -> httpx.Response:
        size, number = int(request.url.params["limit"]), int(request.url.params.get("cursor", 0))
        is_last = (number + 1) * size >= int(request.url.params["functionVersion"])
        meta: dict[str, Any] = {"pageSize": size, "nextCursor": None if is_last else str(number + 1)}
        # A stream, as from a socket: httpx would keep a text until the cycles of its objects are collected.
        return httpx.Response(
            200, content=(json.dumps(each).encode() for each in [{"data": [run] * size, "meta": meta}])
        )

    with Client(URL, workspace="acme", auth=TOKEN, transport=httpx.MockTransport(page), clock=FakeClock()) as client:
        yield client


def test_ten_thousand_runs_take_no_more_than_a_page(client: Client) -> None:
    peaks = [peak(client, size) for size in (200, 200, 10_000)]
    assert peaks[2] < peaks[1] * 2, "of the second time: at first, modules are loaded"
    assert peaks[2] < 4_000_000


def peak(client: Client, runs: int) -> int:
    tracemalloc.start()
    try:
        assert sum(1 for _ in client.list_runs(function_version=str(runs), limit=PAGE)) == runs
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
