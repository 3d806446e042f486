"""Filters of a list: several at once are what brute force finds, page by page, and each page reads within its bounds."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.errors import InvalidRequest
from handlers.domain.paging import Page, position_of
from handlers.domain.query import MAX_TEXT
from handlers.domain.runs.listing import LOOKS_PER_RUN, Filters, list_runs
from handlers.domain.runs.run import FunctionRun
from tests.builders import NOW, WORKSPACE, a_pin, a_rerun, a_run, an_id
from tests.fakes.run_index import InMemoryRunIndex
from tests.fakes.stores import InMemoryRuns

VALUES: dict[str, list[Any]] = {
    "status": ["pending", "completed", "failure", "timeout"],
    "functionId": [an_id(1), an_id(2)],
    "triggerId": [an_id(3), an_id(4)],
    "recovered": ["true", "false"],
    "isRerun": ["true", "false"],
    "rerunBy": ["alice", "auto-retry"],
    "executionSource": ["trigger", "rerun", "retry"],
    "errorCode": ["KeyError", "Sandbox.Timedout"],
    "functionVersion": ["7", "8", "$LATEST"],
    "errorGroupId": ["0a" * 16, "0b" * 16],
    "from": ["2026-11-22T09:30:02Z"],
    "to": ["2026-11-22T09:30:05Z"],
}
QUERIES = st.dictionaries(st.sampled_from([*VALUES]), st.integers(0, 9), max_size=4).map(
    lambda chosen: {name: VALUES[name][number % len(VALUES[name])] for name, number in chosen.items()}
)


def some_run(number: int, choose: Callable[[list[Any]], Any]) -> FunctionRun:
    version = choose(["7", "8", "$LATEST", None])
    status = choose(VALUES["status"])
    group = choose([None, *VALUES["errorGroupId"]])
    changes: dict[str, Any] = {
        "id": an_id(choose([*range(9)]) * 1000 + number),
        "created_at": NOW + timedelta(seconds=choose([*range(8)])),
        "status": status,
        "error_group_id": group if status in ("failure", "timeout") else None,
        "function_id": choose(VALUES["functionId"]),
        "trigger_id": choose(VALUES["triggerId"]),
        "error_code": choose([None, *VALUES["errorCode"]]),
        "pin": a_pin(int(version)) if version in ("7", "8") else None,
        "reported_version": version if version == "$LATEST" else None,
    }
    source = choose(["trigger", "rerun", "retry"])
    if source == "trigger":
        return a_run(**changes, recovered_by=choose([None, an_id(5)]))
    by = "alice" if source == "rerun" else "auto-retry"
    return a_rerun(a_run(id=an_id(99_999)), **changes, execution_source=source, rerun_by=by)


@st.composite
def runs(draw: st.DrawFn) -> list[FunctionRun]:
    return [some_run(number, lambda of: draw(st.sampled_from(of))) for number in range(draw(st.integers(0, 12)))]


def is_asked_for(run: FunctionRun, query: dict[str, str]) -> bool:
    """By the words of the documentation, one filter after the other."""
    has_failed = run.status in ("failure", "timeout") and not run.is_rerun
    is_recovered = has_failed and run.recovered_by is not None
    holds = {
        "status": run.status == query.get("status"),
        "functionId": run.function_id == query.get("functionId"),
        "triggerId": run.trigger_id == query.get("triggerId"),
        "recovered": has_failed and is_recovered == (query.get("recovered") == "true"),
        "isRerun": run.is_rerun == (query.get("isRerun") == "true"),
        "rerunBy": run.rerun_by == query.get("rerunBy"),
        "executionSource": run.execution_source == query.get("executionSource"),
        "errorCode": run.error_code == query.get("errorCode"),
        "functionVersion": run.function_version == query.get("functionVersion"),
        "errorGroupId": run.error_group_id == query.get("errorGroupId"),
        "from": run.created_at >= NOW + timedelta(seconds=2),
        "to": run.created_at <= NOW + timedelta(seconds=5),
    }
    return all(holds[name] for name in query)


def brute_force(runs: list[FunctionRun], query: dict[str, str]) -> list[str]:
    newest_first = sorted(runs, key=lambda run: position_of(run.created_at, run.id), reverse=True)
    return [run.id for run in newest_first if is_asked_for(run, query)]


class Counted(InMemoryRuns):
    def __init__(self, runs: list[FunctionRun]) -> None:
        super().__init__()
        self.runs = {run.id: run for run in runs}
        self.looks: list[int] = []

    def read_many(self, run_ids: list[str]) -> list[FunctionRun]:
        self.looks.append(len(run_ids))
        return super().read_many(run_ids)


def pages(store: Counted, query: dict[str, str], size: int) -> Iterator[list[FunctionRun]]:
    position = None
    while True:
        store.looks.clear()
        page = Page(size, position)
        found, position = list_runs(WORKSPACE, Filters.from_query(query), page, InMemoryRunIndex(store), store)
        assert len(found) <= size
        assert sum(store.looks) <= LOOKS_PER_RUN * size
        yield found
        if position is None:
            return


@pytest.fixture(autouse=True, scope="module")
def time_stands_still() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("handlers.domain.clock.now", lambda: NOW)
        yield


@given(runs(), QUERIES, st.integers(1, 4))
def test_all_pages_together_are_what_brute_force_finds(
    runs: list[FunctionRun], query: dict[str, str], size: int
) -> None:
    store = Counted(runs)
    found = [run.id for page in pages(store, query, size) for run in page]
    assert found == brute_force(runs, query)


@pytest.mark.parametrize("text", ["True", "1", "", "null"])
@pytest.mark.parametrize("field", ["recovered", "isRerun"])
def test_what_is_true_or_false_is_nothing_else(field: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=f"{field}: must be true or false"):
        Filters.from_query({field: text})


@pytest.mark.parametrize("field", ["rerunBy", "errorCode", "functionVersion"])
@pytest.mark.parametrize("length", [0, MAX_TEXT + 1])
def test_a_text_has_at_least_one_character_and_not_too_many(field: str, length: int) -> None:
    with pytest.raises(InvalidRequest, match=field):
        Filters.from_query({field: "x" * length})
    Filters.from_query({field: "x" * MAX_TEXT})


def test_a_source_that_there_is_not_is_refused_and_those_that_there_are_named() -> None:
    with pytest.raises(
        InvalidRequest, match=r"executionSource: must be one of trigger, .*, orchestration, experiment\."
    ):
        Filters.from_query({"executionSource": "cron"})
