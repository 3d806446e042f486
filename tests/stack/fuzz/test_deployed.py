"""Requests to the deployed stack."""

import base64
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import given

from handlers import api_runs
from handlers.api.operations import BASE
from infra.local.local_stack import LocalStack
from tests.entry_points.events import (
    ABSENT,
    OWN,
    PATH,
    ROUTES,
    RUNS,
    Event,
    answer_of,
    assert_complete,
    fuzzed,
    http_event,
)
from tests.entry_points.in_memory import wire
from tests.stack.driver import Workspace
from tests.stack.fuzz.deployed import Deployed, Own, documents, settings_of, with_ids
from tests.stack.fuzz.strategies import queries, requests
from tests.stack.sources import create


@pytest.fixture(scope="class")
def own(local_stack: LocalStack, connection: httpx.Client) -> Own:
    workspace = Workspace(local_stack, connection)
    trigger, function = workspace.trigger_of()
    run = workspace.ended(workspace.execute(trigger, payload={"a": 1}))
    workspace.trigger(workspace.register(function))
    create(workspace, run["functionId"], "http-trigger", {"path": PATH, "signature": "none"})
    return Own(workspace, run["id"], trigger, run["functionId"])


@pytest.fixture(scope="class")
def deployed(own: Own, patched: pytest.MonkeyPatch) -> Iterator[Deployed]:
    local_stack = own.workspace.local_stack
    queue = local_stack.client("sqs").create_queue(QueueName=f"fuzz-{uuid4().hex[:8]}")["QueueUrl"]
    wired = Deployed(local_stack, settings_of(local_stack, run_queue_url=queue))
    wire(patched, wired)
    yield wired
    local_stack.client("sqs").delete_queue(QueueUrl=queue)


class TestDeployed:
    def test_the_routes_are_those_of_the_api(self, local_stack: LocalStack) -> None:
        gateway = local_stack.client("apigatewayv2")
        items = gateway.get_routes(ApiId=local_stack.api_url.split("/")[-2])["Items"]
        deployed = {item["RouteKey"].replace(BASE, "") for item in items}
        assert deployed == set(ROUTES)

    @given(sent=requests(list(ROUTES)))
    @fuzzed(120)
    def test_a_request_is_answered_and_a_refused_one_writes_nothing(
        self, own: Own, deployed: Deployed, sent: tuple[Any, Event]
    ) -> None:
        entry_point, event = with_ids(own, sent)
        deployed.written.clear()
        status, document = answer_of(entry_point, event)
        if status >= 300:
            assert_complete(document, status)
            assert deployed.written == []

    @given(query=queries(RUNS).filter(lambda query: "surprise" not in query))
    @fuzzed(60)
    def test_a_list_of_runs_takes_or_refuses_any_filter(
        self, own: Own, deployed: Deployed, query: dict[str, str]
    ) -> None:
        entry_point, event = with_ids(own, (api_runs, http_event(RUNS, {"workspace": OWN}, query=query)))
        status, document = answer_of(entry_point, event)
        if status != 200:
            assert_complete(document, status)

    @pytest.mark.parametrize(
        "query",
        [
            {"from": "2030-01-01", "to": "2020-01-01"},
            {
                "from": "2030-01-01",
                "cursor": base64.urlsafe_b64encode(f"2020-01-01T00:00:00.000Z#{ABSENT}".encode()).decode(),
            },
        ],
        ids=["to before from", "a page before from"],
    )
    def test_a_time_that_ends_before_it_begins_holds_no_runs(
        self, own: Own, deployed: Deployed, query: dict[str, str]
    ) -> None:
        entry_point, event = with_ids(own, (api_runs, http_event(RUNS, {"workspace": OWN}, query=query)))
        status, document = answer_of(entry_point, event)
        assert status in (200, 400), document
        assert status == 400 or document["data"] == []

    @given(sent=requests([route for route in ROUTES if route.startswith(("POST", "GET", "PUT"))]))
    @fuzzed(30)
    def test_over_http_a_request_is_answered_and_a_refused_one_changes_nothing(
        self, own: Own, sent: tuple[Any, Event]
    ) -> None:
        _, event = with_ids(own, sent)
        workspace = own.workspace
        before = documents(workspace)
        method = event["requestContext"]["http"]["method"]
        body = event.get("body", "")
        content = base64.b64decode(body) if event["isBase64Encoded"] else body.encode(errors="surrogatepass")
        response = workspace.connection.request(
            method,
            workspace.local_stack.api_url + event["rawPath"].replace("/./", "/%2E/").replace("/../", "/%2E%2E/"),
            params=event.get("queryStringParameters"),
            content=content,
            headers={"Authorization": f"Bearer {workspace.http.token}", "Content-Type": "application/json"}
            | ({"If-Match": '"1"'} if "if-match" in event["headers"] else {}),
        )
        assert response.status_code < 500, response.text
        # What matches no route never reaches an entry point.
        if response.status_code >= 300 and response.json() != {"message": "Not Found"}:
            assert_complete(response.json(), response.status_code)
        if response.status_code >= 300:
            assert documents(workspace) == before
