"""How tests speak to the deployed stack: over HTTP as callers do, and to AWS as a team does with its own functions."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple
from uuid import uuid4

import httpx

from handlers.api.catalogue import OPERATIONS
from handlers.api.operations import Operation
from infra.local.local_stack import LocalStack
from infra.local.waiting import PATIENCE_SECONDS, wait_for
from tests.packages import package

ALL = "*:*"
ENDED = {"completed", "failure", "timeout", "cancelled"}

ABSENT = "00000000-0000-4000-8000-000000000000"
WITH_TOKEN = [each for each in OPERATIONS if each.needs_token]
ECHO = "def handler(event, context):\n    return event\n"

Json = Any


def until(found: Callable[[], Any], *, seconds: float = PATIENCE_SECONDS) -> Any:
    """What `found` gives once it gives anything true."""
    result = wait_for(found, seconds=seconds)
    assert result, f"still {result!r} after {seconds} s"
    return result


@dataclass
class TeamFunction:
    """A Lambda function of a team that uses the service."""

    local_stack: LocalStack
    name: str = field(default_factory=lambda: f"team-{uuid4().hex[:8]}")
    arn: str = ""

    @cached_property
    def client(self) -> Any:
        return self.local_stack.client("lambda")

    def deploy(self, source: str, *, timeout: int = 10) -> "TeamFunction":
        if not self.arn:
            self.arn = self.client.create_function(
                FunctionName=self.name,
                Runtime="python3.13",
                Handler="index.handler",
                Role=self._role(),
                Timeout=timeout,
                Code={"ZipFile": package(source)},
            )["FunctionArn"]
        else:
            self.client.update_function_code(FunctionName=self.name, ZipFile=package(source))
        until(lambda: self._configuration()["LastUpdateStatus"] == "Successful")
        return self

    def _role(self) -> str:
        sample = self.client.get_function(FunctionName=self.local_stack.samples["EchoFunctionArn"])
        return str(sample["Configuration"]["Role"])

    def _configuration(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get_function(FunctionName=self.name)["Configuration"]
        return found


class Caller(NamedTuple):
    """One identity at one workspace's address."""

    connection: httpx.Client
    base: str
    token: str | None

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> httpx.Response:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.request("DELETE", path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = options.pop("headers", {}) | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        return self.connection.request(method, self.base + path, headers=headers, **options)


_ECHOES: dict[str, TeamFunction] = {}


def _shared_echo(local_stack: LocalStack) -> TeamFunction:
    if local_stack.api_url not in _ECHOES:
        _ECHOES[local_stack.api_url] = TeamFunction(local_stack).deploy(ECHO)
    return _ECHOES[local_stack.api_url]


@dataclass
class Workspace:
    """A caller of one workspace's API."""

    local_stack: LocalStack
    connection: httpx.Client
    name: str = field(default_factory=lambda: f"ws-{uuid4().hex[:8]}")
    subject: str = "alice"
    grants: list[str] | None = None

    @cached_property
    def http(self) -> Caller:
        grants = [f"{self.name}/{ALL}"] if self.grants is None else self.grants
        return self.with_token(self.local_stack.token(self.subject, grants))

    def with_token(self, token: str | None) -> Caller:
        return Caller(self.connection, f"{self.local_stack.api_url}/workspace/{self.name}/api/v1", token)

    def other(self) -> "Workspace":
        """Another tenant."""
        return Workspace(self.local_stack, self.connection)

    def as_caller(self, subject: str, *grants: str) -> "Workspace":
        return Workspace(self.local_stack, self.connection, self.name, subject, list(grants))

    def register(self, function: TeamFunction | str, *, name: str | None = None) -> str:
        arn = function if isinstance(function, str) else function.arn
        body = {"name": name or f"function-{uuid4().hex[:8]}", "functionArn": arn}
        return str(created(self.http.post("/compute-functions", json=body))["id"])

    def trigger(self, function_id: str, *, params: Json = None, name: str | None = None) -> str:
        body = {
            "name": name or f"trigger-{uuid4().hex[:8]}",
            "functionId": function_id,
            "executionType": "on-demand",
            "triggerMetadata": {"params": params or {}},
        }
        return str(created(self.http.post("/function-triggers", json=body))["id"])

    def trigger_of(
        self, source: str | None = None, *, params: Json = None, timeout: int = 10
    ) -> tuple[str, TeamFunction]:
        """An on-demand trigger of a new function of this source; without, of one that echoes, which all tests share."""
        function = (
            _shared_echo(self.local_stack)
            if source is None
            else TeamFunction(self.local_stack).deploy(source, timeout=timeout)
        )
        return self.trigger(self.register(function), params=params), function

    def execute(self, trigger_id: str, **body: Json) -> str:
        return accepted(self.http.post(f"/function-triggers/{trigger_id}/execute", **_exact(body)))

    def rerun(self, run_id: str, **body: Json) -> str:
        return accepted(self.post_rerun(run_id, **body))

    def post_rerun(self, run_id: str, **body: Json) -> httpx.Response:
        return self.http.post(f"/function-runs/{run_id}/rerun", **_exact(body))

    def trigger_document(self, trigger_id: str) -> dict[str, Any]:
        """The trigger's document."""
        document: dict[str, Any] = self.http.get(f"/function-triggers/{trigger_id}").json()
        return document

    def run(self, run_id: str, include: str | None = None) -> dict[str, Any]:
        response = self.http.get(f"/function-runs/{run_id}", params={"include": include} if include else {})
        assert response.status_code == 200, response.text
        # Python's own reader keeps 1 and 1.0 apart, and big integers whole.
        document: dict[str, Any] = json.loads(response.content)
        return document

    def ended(self, run_id: str, include: str | None = None) -> dict[str, Any]:
        """The run once it has ended."""
        until(lambda: self.run(run_id)["status"] in ENDED)
        return self.run(run_id, include)

    def history(self, run_id: str, **query: Any) -> dict[str, Any]:
        response = self.http.get(f"/function-runs/{run_id}/rerun-history", params=query)
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document


def _exact(body: dict[str, Json]) -> dict[str, Any]:
    return {"content": json.dumps(body).encode(), "headers": {"Content-Type": "application/json"}} if body else {}


def created(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 201, response.text
    document: dict[str, Any] = response.json()
    return document


def accepted(response: httpx.Response) -> str:
    assert response.status_code == 202, response.text
    return str(response.json()["jobId"])


def path_of(operation: Operation, ids: dict[str, str] | None = None) -> str:
    """Below the workspace's base, with these ids by the names of the path's parameters, or with one that is absent."""
    known = ids or {}
    return re.sub(r"\{(\w+)\}", lambda match: known.get(match[1], ABSENT), operation.path)


def refusal(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of a refused request, whose document is complete."""
    document = response.json()
    assert {"error", "code", "message", "requestId"} <= document.keys(), response.text
    return response.status_code, document["code"], document["message"]


def keys(run_id: str, sort: str = "RUN") -> dict[str, Any]:
    return {"pk": {"S": f"RUN#{run_id}"}, "sk": {"S": sort}}


def table_of(workspace: Workspace) -> tuple[Any, str]:
    return workspace.local_stack.client("dynamodb"), workspace.local_stack.outputs["TableName"]


def messages_in(local_stack: LocalStack, url: str) -> int:
    """How many there are in a queue, those included that somebody looks at."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = local_stack.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def items_of(workspace: Workspace, run_id: str) -> list[dict[str, Any]]:
    """Everything in the table that belongs to a run, in order."""
    client, table = table_of(workspace)
    found = client.query(
        TableName=table,
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"RUN#{run_id}"}},
        ConsistentRead=True,
    )
    items: list[dict[str, Any]] = found["Items"]
    return items


def item_of(workspace: Workspace, run_id: str, sort: str = "RUN") -> dict[str, Any]:
    (item,) = (each for each in items_of(workspace, run_id) if each["sk"]["S"] == sort)
    return item


def settled(workspace: Workspace, run_id: str) -> None:
    """Wait until nothing is left to do for a run: it has ended, the bus was told, and its parts are where they stay."""
    until(lambda: "deadline" not in item_of(workspace, run_id))


def an_ended_run(workspace: Workspace, **body: Any) -> tuple[str, str]:
    trigger, _ = workspace.trigger_of()
    run = workspace.execute(trigger, **body)
    workspace.ended(run)
    return run, trigger
