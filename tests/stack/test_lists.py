"""Lists over HTTP: newest first, filtered, paged, and read at a cost that follows the page and not the table."""

from itertools import combinations_with_replacement
from typing import Any
from uuid import uuid4

import pytest

from handlers.api.runs import LIST_RUNS
from handlers.aws.run_index import RunIndex
from handlers.aws.run_items import SHARDS
from handlers.aws.table import Table
from handlers.domain.paging import Page
from handlers.domain.runs.listing import LOOKS_PER_RUN, Filters, list_runs
from handlers.domain.runs.run import Status
from tests.aws.storing import store_of
from tests.stack.driver import Workspace, refusal, until

FAILS_IF_TOLD = "def handler(event, context):\n    return 1 / (0 if event.get('fail') else 1)\n"


def listed(workspace: Workspace, path: str = "/function-runs", **query: Any) -> dict[str, Any]:
    response = workspace.http.get(path, params=query)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.json()
    return document


def ids(document: dict[str, Any]) -> list[str]:
    return [each["id"] for each in document["data"]]


def all_pages(workspace: Workspace, path: str = "/function-runs", **query: Any) -> list[str]:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = listed(workspace, path, **query, **cursor)
        seen += ids(page)
        if page["meta"]["nextCursor"] is None:
            return seen
        cursor = {"cursor": page["meta"]["nextCursor"]}


def test_runs_are_listed_newest_first(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    runs = [workspace.execute(trigger, payload={"n": n}) for n in range(7)]
    document = listed(workspace)
    assert ids(document) == runs[::-1]
    assert document["meta"] == {"pageSize": 50, "nextCursor": None}
    assert document["data"][0].keys() == workspace.run(runs[0]).keys() - {"lastRerunStatus"}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_pages_follow_each_other_without_gap_or_repetition(workspace: Workspace, limit: int) -> None:
    trigger, _ = workspace.trigger_of()
    runs = [workspace.execute(trigger) for _ in range(7)]
    assert all_pages(workspace, limit=limit) == runs[::-1]


def test_runs_can_be_filtered(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(FAILS_IF_TOLD)
    sibling = workspace.trigger(workspace.trigger_document(trigger)["functionId"])
    elsewhere, _ = workspace.trigger_of()
    good, bad = workspace.execute(trigger), workspace.execute(trigger, payload={"fail": True})
    aside, other = workspace.execute(sibling), workspace.execute(elsewhere)
    ended = {run: workspace.ended(run) for run in (good, bad, aside, other)}

    function_id = ended[good]["functionId"]
    assert ids(listed(workspace, functionId=function_id)) == [aside, bad, good]
    assert ids(listed(workspace, triggerId=trigger)) == [bad, good]
    assert ids(listed(workspace, functionId=function_id, triggerId=sibling)) == [aside]
    # A failure is in their list once the bus has been told of it.
    until(lambda: ids(listed(workspace, status="failure")) == [bad])
    assert ids(listed(workspace, status="completed")) == [other, aside, good]
    assert ids(listed(workspace, status="timeout")) == []
    assert ids(listed(workspace, status="failure", functionId=ended[other]["functionId"])) == []
    assert function.arn


def test_runs_can_be_filtered_by_time(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    runs = [workspace.execute(trigger) for _ in range(4)]
    times = [workspace.run(run)["createdAt"] for run in runs]
    assert ids(listed(workspace, **{"from": times[1], "to": times[2]})) == [runs[2], runs[1]]
    assert ids(listed(workspace, **{"from": times[3]})) == [runs[3]]
    assert ids(listed(workspace, to=times[0])) == [runs[0]]
    assert ids(listed(workspace, to="2020-01-01T00:00:00Z")) == []
    assert ids(listed(workspace, **{"from": times[1].replace("Z", "+00:00"), "to": times[1]})) == [runs[1]]


def test_a_failed_run_is_listed_as_failed_once_its_end_is_told(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of(FAILS_IF_TOLD)
    run = workspace.execute(trigger, payload={"fail": True})
    workspace.ended(run)
    until(lambda: ids(listed(workspace, status="failure")) == [run])


def test_another_workspaces_runs_are_not_listed_whatever_the_filter(workspace: Workspace) -> None:
    trigger, _ = workspace.trigger_of()
    run = workspace.run(workspace.execute(trigger))
    other = workspace.other()
    for query in ({}, {"functionId": run["functionId"]}, {"triggerId": trigger}, {"status": "completed"}):
        assert listed(other, **query) == {"data": [], "meta": {"pageSize": 50, "nextCursor": None}}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"status": "done"}, "status"),
        ({"functionId": "x"}, "functionId"),
        ({"triggerId": ""}, "triggerId"),
        ({"from": "yesterday"}, "from"),
        ({"to": "2026-13-01"}, "to"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"cursor": "x"}, "cursor"),
        ({"state": "failure"}, "state"),
    ],
)
def test_a_bad_filter_is_refused_by_name(workspace: Workspace, query: dict[str, str], field: str) -> None:
    response = workspace.http.get("/function-runs", params=query)
    assert (response.status_code, response.json()["field"]) == (400, field)


def test_runs_are_listed_by_every_filter_and_by_any_two(workspace: Workspace) -> None:
    # Each leads to one of the indexes, and the deployed function may read all of them.
    asked = {
        "status": "failure",
        "functionId": str(uuid4()),
        "recovered": "true",
        "isRerun": "true",
        "errorGroupId": "e" * 32,
        "batchId": str(uuid4()),
    }
    every = {parameter.name for parameter in LIST_RUNS.query} - {"limit", "cursor"}
    without_an_index = {"triggerId", "rerunBy", "executionSource", "errorCode", "functionVersion", "from", "to"}
    assert every == asked.keys() | without_an_index
    for one, another in combinations_with_replacement(asked, 2):
        assert ids(listed(workspace, **{one: asked[one], another: asked[another]})) == []
    for name, value in asked.items():
        assert ids(listed(workspace, **{name: value, "recovered": "false"})) == []


def test_functions_and_triggers_are_listed_newest_first(workspace: Workspace) -> None:
    trigger, function = workspace.trigger_of(params={"secret": 1})
    function_id = workspace.trigger_document(trigger)["functionId"]
    functions = [function_id, *(workspace.register(function) for _ in range(3))]
    triggers = [trigger, *(workspace.trigger(function_id) for _ in range(3))]
    workspace.http.delete(f"/function-triggers/{triggers.pop(2)}")

    assert all_pages(workspace, "/compute-functions", limit=2) == functions[::-1]
    assert all_pages(workspace, "/function-triggers", limit=2) == triggers[::-1]
    shown = listed(workspace, "/function-triggers")["data"][-1]
    assert shown["triggerMetadata"] == {}, "a list shows no params"
    assert ids(listed(workspace.other(), "/compute-functions")) == []
    reader = workspace.as_caller("eve", f"{workspace.name}/function-runs:read")
    assert refusal(reader.http.get("/function-triggers"))[0] == 403


class Counted:
    """A DynamoDB client that counts what it reads."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.exceptions = client.exceptions
        self.entries = self.items = self.calls = 0

    def query(self, **options: Any) -> Any:
        answer = self._client.query(**options)
        self.calls += 1
        self.entries += answer["ScannedCount"]
        return answer

    def batch_get_item(self, **options: Any) -> Any:
        self.calls += 1
        self.items += sum(len(each["Keys"]) for each in options["RequestItems"].values())
        return self._client.batch_get_item(**options)


@pytest.fixture(scope="module")
def crowded(request: pytest.FixtureRequest) -> Workspace:
    """A workspace with 130 runs, of which none failed."""
    workspace = Workspace(request.getfixturevalue("local_stack"), request.getfixturevalue("connection"))
    trigger, _ = workspace.trigger_of()
    for _ in range(130):
        workspace.execute(trigger)
    return workspace


@pytest.mark.parametrize("size", [1, 5, 20])
def test_a_page_reads_in_proportion_to_its_size(crowded: Workspace, size: int) -> None:
    local_stack = crowded.local_stack
    counted = Counted(local_stack.client("dynamodb"))
    table = Table(counted, local_stack.outputs["TableName"])  # type: ignore[arg-type]
    ports = RunIndex(table), store_of(local_stack, table)

    runs, _ = list_runs(crowded.name, Filters(), Page(size), *ports)

    assert len(runs) == size
    assert counted.items <= size
    assert counted.entries <= 2 * (size + SHARDS)


def test_a_filter_that_matches_nothing_is_not_read_to_the_end(crowded: Workspace) -> None:
    local_stack = crowded.local_stack
    counted = Counted(local_stack.client("dynamodb"))
    table = Table(counted, local_stack.outputs["TableName"])  # type: ignore[arg-type]
    ports = RunIndex(table), store_of(local_stack, table)
    size = 5

    runs, position = list_runs(crowded.name, Filters(status=Status.CANCELLED), Page(size), *ports)

    assert runs == []
    assert position is not None
    assert counted.items == LOOKS_PER_RUN * size
    assert counted.entries <= 2 * (LOOKS_PER_RUN * size + SHARDS)
