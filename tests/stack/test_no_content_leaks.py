"""What callers and functions say stays sealed: markers are planted wherever content enters, and searched for wherever
this service writes.

The one log group that is left out is that of the team's own function, which holds what the function prints.
"""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from infra.local.laptop import Laptop
from tests.stack.driver import Workspace, refusal, until

CONSOLE_DOOR = "FunctionRerun-api-rerun"
SPEAKS = """
def handler(event, context):
    print('the function prints', event['printed'])
    if event.get('fail'):
        raise ValueError(event['fail'])
    return {'the result is': event['result']}
"""


class Marker:
    """A text that stands nowhere else, and all the ways in which it may be written."""

    def __init__(self, where: str, text: str | None = None) -> None:
        self.where = where
        self.text = text or f"marker{uuid4().hex}"

    @property
    def forms(self) -> set[bytes]:
        raw = self.text.encode()
        escaped = "".join(f"\\u{ord(character):04x}" for character in self.text).encode()
        return {raw, raw.upper(), raw.hex().encode(), escaped, *map(_base64_at, [raw] * 3, range(3))}

    def is_in(self, haystack: bytes) -> bool:
        return any(form in haystack for form in self.forms)


def _base64_at(raw: bytes, offset: int) -> bytes:
    """What stands in any base64 text of something that holds `raw` after so many bytes (modulo three)."""
    encoded = base64.b64encode(b"\0" * offset + raw)
    # The characters at either end depend on what stands before and behind.
    return encoded[(0, 2, 3)[offset] : len(encoded) // 4 * 4 - 4]


@dataclass
class Told:
    """What AWS keeps of what this service wrote, by the place where it stands."""

    places: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, place: str, content: bytes | str) -> None:
        self.places.setdefault(place, []).append(content.encode() if isinstance(content, str) else content)

    def leaks_of(self, *markers: Marker) -> list[str]:
        return [
            f"{marker.where} stands in {place}"
            for marker in markers
            for place, contents in self.places.items()
            if any(marker.is_in(content) for content in contents)
        ]


def flattened(value: Any) -> bytes:
    """An item, message or answer with its bytes as they are, not as some notation would show them."""
    if isinstance(value, bytes):
        return value + b"\n"
    if isinstance(value, dict):
        return b"".join(flattened(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return b"".join(map(flattened, value))
    return str(value).encode() + b"\n"


def read_table(laptop: Laptop, told: Told) -> None:
    pages = laptop.client("dynamodb").get_paginator("scan").paginate(TableName=laptop.outputs["TableName"])
    for page in pages:
        for item in page["Items"]:
            told.add("the table", flattened(item))


def read_queue(laptop: Laptop, url: str, told: Told, place: str) -> int:
    """How many messages were waiting; they stay."""
    received = laptop.client("sqs").receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    messages = received.get("Messages", [])
    for message in messages:
        told.add(place, flattened(message))
    return len(messages)


def read_logs(laptop: Laptop, told: Told) -> None:
    """The logs of this service: all but those of the functions that teams have deployed."""
    logs = laptop.client("logs")
    for group in logs.get_paginator("describe_log_groups").paginate().build_full_result()["logGroups"]:
        name = group["logGroupName"]
        if "/team-" in name:
            continue
        streams = logs.get_paginator("describe_log_streams").paginate(logGroupName=name).build_full_result()
        for stream in streams["logStreams"]:
            for line in lines_of(logs, name, stream["logStreamName"]):
                told.add(f"the log {name}", line)


def lines_of(logs: Any, group: str, stream: str) -> Iterator[str]:
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
        yield from (event["message"] for event in page["events"])
        if page["nextForwardToken"] == token.get("nextToken") or not page["events"]:
            return
        token = {"nextToken": page["nextForwardToken"]}


@contextmanager
def executor_at_rest(laptop: Laptop) -> Iterator[None]:
    """Runs stay in the queue meanwhile."""
    client = laptop.client("lambda")
    mapping = client.list_event_source_mappings(FunctionName="FunctionRerun-execute-runs")["EventSourceMappings"][0]
    client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


class Ear(NamedTuple):
    """A queue of the test's own behind the lifecycle bus."""

    laptop: Laptop
    queue: str
    workspace: str

    @classmethod
    def on(cls, workspace: Workspace) -> "Ear":
        laptop, name = workspace.laptop, f"ear-{workspace.name}"
        sqs, events = laptop.client("sqs"), laptop.client("events")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = laptop.outputs["LifecycleBusName"]
        pattern = {"source": ["function-rerun"], "detail": {"workspace": [workspace.name]}}
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "ear", "Arn": arn}])
        return cls(laptop, queue, workspace.name)

    def heard(self, told: Told, run_ids: set[str]) -> None:
        """All that is told until each of these runs has been heard of."""
        sqs, missing = self.laptop.client("sqs"), set(run_ids)

        def listen() -> bool:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                told.add("the lifecycle bus", message["Body"])
                missing.discard(json.loads(message["Body"])["detail"]["functionRunId"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return not missing

        until(listen)


@dataclass
class Story:
    """All that happened, and what was said in it."""

    told: Told
    said: list[Marker]
    team_function: str
    refusals: list[str]


def refused_requests(
    workspace: Workspace, run: str, trigger: str, secret: str
) -> dict[str, Callable[[], httpx.Response]]:
    """Requests that are refused, each for a reason of its own, each with a secret in it."""
    http, rerun, execute = workspace.http, f"/function-runs/{run}/rerun", f"/function-triggers/{trigger}/execute"

    def of(body: Any, path: str = rerun, method: str = "POST") -> Callable[[], httpx.Response]:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return lambda: http.request(method, path, content=content)

    def asked(path: str, **query: str) -> Callable[[], httpx.Response]:
        return lambda: http.get(path, params=query)

    return {
        "not JSON": of(b'{"reason": "' + secret.encode()),
        "not UTF-8": of(b"\xff" + secret.encode()),
        "not an object": of([secret]),
        "an unknown field": of({"surprise": secret}),
        "an unknown field, deep": of({"surprise": {"a": [{"b": secret}]}}),
        "a list for a text": of({"reason": [secret]}),
        "a text for a flag": of({"useLatestCode": secret}),
        "a text for an object": of({"overrideParams": secret}),
        "too long": of({"reason": secret + "x" * 512}),
        "twice": of(f'{{"overrideParams": {{"a": "{secret}", "a": "{secret}"}}}}'.encode()),
        "half a surrogate pair": of({"overrideParams": {"a": f"{secret}\ud800"}}),
        "too large": of({"overrideParams": {"a": secret * 9500}}),
        "far too large": of({"overrideParams": {"a": secret * 30_000}}),
        "a run id": of({}, f"/function-runs/{secret}/rerun"),
        "a run id of history": asked(f"/function-runs/{secret}/rerun-history"),
        "a payload": of({"payload": [secret]}, execute),
        "an orchestration id": of({"orchestrationId": secret + "x" * 128}, execute),
        "an unknown field of execute": of({"surprise": secret}, execute),
        "trigger params": of(
            {
                "name": "t",
                "functionId": run,
                "executionType": "on-demand",
                "triggerMetadata": {"params": {"a": secret}},
            },
            "/function-triggers",
        ),
        "trigger params, ill-typed": of(
            {"name": "t", "functionId": run, "executionType": "on-demand", "triggerMetadata": {"params": secret}},
            "/function-triggers",
        ),
        "an execution type": of({"name": "t", "functionId": run, "executionType": secret}, "/function-triggers"),
        "a function's ARN": of({"name": "f", "functionArn": secret}, "/compute-functions"),
        "a change without a version": of(
            {"triggerMetadata": {"params": {"a": secret}}}, f"/function-triggers/{trigger}", "PUT"
        ),
        "a fixed field": of({"id": secret}, f"/function-triggers/{trigger}", "PUT"),
        "a version": lambda: http.put(f"/function-triggers/{trigger}", json={}, headers={"If-Match": secret}),
        "include": asked(f"/function-runs/{run}", include=secret),
        "a status": asked("/function-runs", status=secret),
        "a time": asked("/function-runs", **{"from": secret}),
        "an unknown filter": asked("/function-runs", surprise=secret),
        "a cursor": asked("/function-runs", cursor=secret),
        "a limit": asked("/function-runs", limit=secret),
        "no grant": lambda: workspace.as_caller("eve").post_rerun(run, overrideParams={"a": secret}),
        "another workspace": lambda: workspace.other().post_rerun(run, overrideParams={"a": secret}),
    }


@pytest.fixture(scope="module")
def story(laptop: Laptop, connection: httpx.Client) -> Story:
    workspace = Workspace(laptop, connection)
    told, ear = Told(), Ear.on(workspace)
    said: list[Marker] = []

    def secret(where: str) -> str:
        said.append(Marker(where))
        return said[-1].text

    headers = {name: secret(f"the header {name}") for name in ("X-Api-Key", "Cookie", "User-Agent", "Traceparent")}
    workspace.connection.headers.update(headers)
    try:
        runs = everything_that_happens(workspace, secret, told)
    finally:
        for name in headers:
            del workspace.connection.headers[name]
    assert workspace.http.token is not None
    said.append(Marker("the bearer token", workspace.http.token.rpartition(".")[2]))
    ear.heard(told, runs.ended)
    read_table(laptop, told)
    # The last answer's line is there when the answer is; that of the last execution, when the bus has told of it.
    until(lambda: _logged(laptop, workspace.name))
    read_logs(laptop, told)
    read_queue(laptop, laptop.outputs["DeadLetterQueueUrl"], told, "the dead-letter queue")
    return Story(told, said, runs.team_function, runs.refusals)


class Happened(NamedTuple):
    ended: set[str]
    team_function: str
    refusals: list[str]


def everything_that_happens(workspace: Workspace, secret: Callable[[str], str], told: Told) -> Happened:
    laptop = workspace.laptop
    given = {"given": secret("a param of the trigger"), "printed": secret("a line that the function prints")}
    trigger, function = workspace.trigger_of(SPEAKS, params=given | {"result": secret("the function's result")})
    with executor_at_rest(laptop):
        runs = [workspace.execute(trigger, payload={"paid": secret("the payload")})]
        runs.append(workspace.execute(trigger, payload={"fail": secret("the exception's message")}))
        runs.append(workspace.rerun(runs[0], overrideParams={"over": secret("an override")}, reason="to see"))
        override = {"fail": secret("an override from the console")}
        event = {"workspace": workspace.name, "runId": runs[0], "rerunBy": "bob", "overrideParams": override}
        runs.append(answer_of_console(laptop, event)["jobId"])
        until(lambda: read_queue(laptop, laptop.outputs["RunQueueUrl"], told, "the run queue"))
    for run in runs:
        workspace.ended(run)
    revealed = workspace.run(runs[1], include="parameters,error,logs")
    assert given["printed"] in revealed["logs"]
    refusals = []
    for why, request in refused_requests(workspace, runs[0], trigger, secret("a refused request")).items():
        response = request()
        assert refusal(response)[0] in (400, 403, 404, 413, 428), (why, response.text)
        told.add(f"the refusal of {why}", flattened([response.content, dict(response.headers)]))
        refusals.append(why)
    for why, sent in {
        "an unknown field": {
            "workspace": workspace.name,
            "runId": runs[0],
            "surprise": secret("a refused console event"),
        },
        "an ill-typed one": {"workspace": workspace.name, "runId": [secret("a run id of the console")]},
        "not an object": secret("a console event that is a text"),
    }.items():
        told.add(f"the console's refusal of {why}", json.dumps(answer_of_console(laptop, sent)))
    broken = workspace.rerun(runs[0], overrideParams={"over": secret("an override under a broken seal")})
    workspace.ended(broken)
    break_the_seal(laptop, broken)
    for response in (
        workspace.post_rerun(broken, overrideParams={"a": secret("an override of what is broken")}),
        workspace.http.get(f"/function-runs/{broken}?include=parameters"),
    ):
        assert response.status_code == 400
        told.add("the refusal of a broken seal", response.content)
    return Happened({*runs, broken}, function.name, refusals)


def answer_of_console(laptop: Laptop, event: Any) -> dict[str, Any]:
    answered = laptop.client("lambda").invoke(FunctionName=CONSOLE_DOOR, Payload=json.dumps(event))
    document: dict[str, Any] = json.loads(answered["Payload"].read())
    return document


def break_the_seal(laptop: Laptop, run: str) -> None:
    client, table = laptop.client("dynamodb"), laptop.outputs["TableName"]
    key = {"pk": {"S": f"RUN#{run}"}, "sk": {"S": "SEALED#parameters"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    damaged = bytearray(item["sealed"]["B"])
    damaged[-1] ^= 1
    client.put_item(TableName=table, Item=item | {"sealed": {"B": bytes(damaged)}})


def _logged(laptop: Laptop, workspace: str) -> bool:
    """Whether the service's log has the audit line of the last request."""
    told = Told()
    read_logs(laptop, told)
    lines = [line for lines in told.places.values() for line in lines if workspace.encode() in line]
    return any(b'"reveal"' in line and b"INVALID_REQUEST" in line for line in lines)


def test_nothing_that_was_said_stands_where_this_service_writes(story: Story) -> None:
    assert story.told.leaks_of(*story.said) == []


def test_every_place_was_searched(story: Story) -> None:
    """An empty place proves nothing."""
    places = set(story.told.places)
    doors = {"api-rerun", "api-runs", "api-registry", "api-triggers", "execute-runs"}
    logs = {place for place in places if place.startswith("the log ")}
    assert {"the table", "the run queue", "the lifecycle bus", "the refusal of a broken seal"} <= places
    assert all(any(door in log or door.replace("-", "") in log for log in logs) for door in doors), sorted(logs)
    assert len(story.refusals) >= 30
    assert len(story.said) >= 15
    assert not any(story.team_function in log for log in logs)


@pytest.mark.parametrize(
    "written",
    [
        lambda text: text.encode(),
        lambda text: json.dumps({"deep": json.dumps({"deeper": text})}).encode(),
        lambda text: base64.b64encode(b"?" + text.encode()),
        lambda text: base64.b64encode(b"??" + text.encode() + b"?"),
        lambda text: base64.urlsafe_b64encode(b"???" + text.encode() + b"??"),
        lambda text: "".join(f"\\u{ord(character):04x}" for character in text).encode(),
        lambda text: text.encode().hex().encode(),
    ],
    ids=["raw", "JSON in JSON", "base64", "base64, shifted", "base64 of a URL", "escaped", "hexadecimal"],
)
def test_the_search_finds_what_is_there_in_any_form(written: Callable[[str], bytes]) -> None:
    marker, told = Marker("it"), Told()
    told.add("a place", b"before " + written(marker.text) + b" behind")
    assert told.leaks_of(marker) == ["it stands in a place"]
    assert told.leaks_of(Marker("another")) == []


def test_the_search_finds_what_is_put_into_each_place(workspace: Workspace) -> None:
    laptop, marker, told = workspace.laptop, Marker("it"), Told()
    name = f"control-{workspace.name}"
    dynamodb, table, key = laptop.client("dynamodb"), laptop.outputs["TableName"], {"S": name}
    dynamodb.put_item(TableName=table, Item={"pk": key, "sk": key, "sealed": {"B": b"\0" + marker.text.encode()}})
    read_table(laptop, told)
    dynamodb.delete_item(TableName=table, Key={"pk": key, "sk": key})

    sqs = laptop.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attribute = {"it": {"DataType": "String", "StringValue": marker.text}}
    sqs.send_message(QueueUrl=queue, MessageBody="{}", MessageAttributes=attribute)
    until(lambda: read_queue(laptop, queue, told, "a queue"))
    sqs.delete_queue(QueueUrl=queue)

    ear, run = Ear.on(workspace), str(uuid4())
    detail = {"functionRunId": run, "workspace": workspace.name, "errorCode": marker.text}
    entry = {"EventBusName": laptop.outputs["LifecycleBusName"], "Source": "function-rerun", "DetailType": "x"}
    laptop.client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])
    ear.heard(told, {run})

    # What a door logs arrives where the search looks: a console event may name its sender.
    event = {"workspace": workspace.name, "runId": run, "rerunBy": marker.text}
    assert answer_of_console(laptop, event)["code"] == "RUN_NOT_FOUND"

    def logged() -> bool:
        read_logs(laptop, told)
        return any("log" in leak for leak in told.leaks_of(marker))

    until(logged)

    places = {leak.removeprefix("it stands in ") for leak in told.leaks_of(marker)}
    assert {"the table", "a queue", "the lifecycle bus"} < places
    assert any("rerun" in place for place in places if "log" in place)
