"""What callers and functions say stays sealed: markers are planted wherever content enters, and searched for wherever
this service writes.

The one log group that is left out is that of the team's own function, which holds what the function prints.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace, until
from tests.stack.leak_search import Ear, Marker, Told, read_bucket, read_logs, read_queue, read_table
from tests.stack.leak_sources import read_sources
from tests.stack.leak_story import answer_of_console, everything_that_happens, logged

PATTERN = '{"source": ["nobody"]}'
ROLE = "arn:aws:iam::000000000000:role/scheduler"


@dataclass
class Story:
    """All that happened, and what was said in it."""

    actual: Told
    said: list[Marker]
    team_function: str
    refusals: list[str]


@pytest.fixture(scope="module")
def story(local_stack: LocalStack, connection: httpx.Client) -> Story:
    workspace = Workspace(local_stack, connection)
    actual, ear = Told(), Ear.on(workspace)
    said: list[Marker] = []

    def secret(where: str) -> str:
        said.append(Marker(where))
        return said[-1].text

    headers = {name: secret(f"the header {name}") for name in ("X-Api-Key", "Cookie", "User-Agent", "Traceparent")}
    workspace.connection.headers.update(headers)
    try:
        runs = everything_that_happens(workspace, secret, actual)
    finally:
        for name in headers:
            del workspace.connection.headers[name]
    assert workspace.http.token is not None
    said.append(Marker("the bearer token", workspace.http.token.rpartition(".")[2]))
    said += [Marker("the secret of a webhook", each.removeprefix("whsec_")) for each in runs.webhook_secrets]
    ear.heard(actual, runs.ended)
    read_table(local_stack, actual)
    read_bucket(local_stack, actual)
    # The last answer's line is there when the answer is; that of the last execution, when the bus has told of it.
    until(lambda: logged(local_stack, workspace.name))
    read_logs(local_stack, actual)
    read_queue(local_stack, local_stack.outputs["DeadLetterQueueUrl"], actual, "the dead-letter queue")
    return Story(actual, said, runs.team_function, runs.refusals)


def test_nothing_that_was_said_stands_where_this_service_writes(story: Story) -> None:
    assert story.actual.leaks_of(*story.said) == []


def test_every_place_was_searched(story: Story) -> None:
    """An empty place proves nothing."""
    places = set(story.actual.places)
    entry_points = {"api-rerun", "api-runs", "api-registry", "api-triggers", "api-webhooks"}
    entry_points |= {"execute-runs", "on-event", "capture-failures"}
    logs = {place for place in places if place.startswith("the log ")}
    assert {"the table", "the bucket", "the run queue", "the lifecycle bus", "the rules", "the schedules"} <= places
    assert "the refusal of a broken seal" in places
    assert all(
        any(entry_point in log or entry_point.replace("-", "") in log for log in logs) for entry_point in entry_points
    ), sorted(logs)
    assert len(story.refusals) >= 45
    assert len(story.said) >= 45
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
    marker, actual = Marker("it"), Told()
    actual.add("a place", b"before " + written(marker.text) + b" behind")
    assert actual.leaks_of(marker) == ["it stands in a place"]
    assert actual.leaks_of(Marker("another")) == []


def test_the_search_finds_what_is_put_into_each_place(workspace: Workspace) -> None:
    local_stack, marker, actual = workspace.local_stack, Marker("it"), Told()
    name = f"control-{workspace.name}"
    dynamodb, table, key = local_stack.client("dynamodb"), local_stack.outputs["TableName"], {"S": name}
    dynamodb.put_item(TableName=table, Item={"pk": key, "sk": key, "sealed": {"B": b"\0" + marker.text.encode()}})
    read_table(local_stack, actual)
    dynamodb.delete_item(TableName=table, Key={"pk": key, "sk": key})

    s3, bucket = local_stack.client("s3"), local_stack.outputs["BucketName"]
    s3.put_object(Bucket=bucket, Key=f"staging/{name}", Body=b"\0" + marker.text.encode())
    read_bucket(local_stack, actual)
    s3.delete_object(Bucket=bucket, Key=f"staging/{name}")

    sqs = local_stack.client("sqs")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    attribute = {"it": {"DataType": "String", "StringValue": marker.text}}
    sqs.send_message(QueueUrl=queue, MessageBody="{}", MessageAttributes=attribute)
    until(lambda: read_queue(local_stack, queue, actual, "a queue"))
    sqs.delete_queue(QueueUrl=queue)

    ear, run = Ear.on(workspace), str(uuid4())
    detail = {"functionRunId": run, "workspace": workspace.name, "errorCode": marker.text}
    entry = {"EventBusName": local_stack.outputs["LifecycleBusName"], "Source": "function-rerun", "DetailType": "x"}
    local_stack.client("events").put_events(Entries=[entry | {"Detail": json.dumps(detail)}])
    ear.heard(actual, {run})

    rule = {"Rule": name, "EventBusName": local_stack.outputs["TriggerBusName"]}
    local_stack.client("events").put_rule(Name=name, EventBusName=rule["EventBusName"], EventPattern=PATTERN)
    target = {"Id": "it", "Arn": local_stack.samples["EchoFunctionArn"], "Input": json.dumps({"it": marker.text})}
    local_stack.client("events").put_targets(**rule, Targets=[target])
    schedule = {"GroupName": local_stack.outputs["ScheduleGroupName"], "Name": name}
    local_stack.client("scheduler").create_schedule(
        **schedule,
        ScheduleExpression="at(2099-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": target["Arn"], "RoleArn": ROLE, "Input": target["Input"]},
    )
    read_sources(local_stack, actual)
    local_stack.client("events").remove_targets(**rule, Ids=["it"])
    local_stack.client("events").delete_rule(Name=name, EventBusName=rule["EventBusName"])
    local_stack.client("scheduler").delete_schedule(**schedule)

    # What an entry point logs arrives where the search looks: a console event may name its sender.
    event = {"workspace": workspace.name, "runId": run, "rerunBy": marker.text}
    assert answer_of_console(local_stack, event)["code"] == "RUN_NOT_FOUND"

    def logged() -> bool:
        read_logs(local_stack, actual)
        return any("log" in leak for leak in actual.leaks_of(marker))

    until(logged)

    places = {leak.removeprefix("it stands in ") for leak in actual.leaks_of(marker)}
    assert {"the table", "the bucket", "a queue", "the lifecycle bus", "the rules", "the schedules"} < places
    assert any("rerun" in place for place in places if "log" in place)
