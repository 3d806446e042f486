"""Finds markers in any form, wherever this service writes."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import uuid4

from infra.local.local_stack import LocalStack
from tests.stack.driver import Workspace, until


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
        haystacks = {place: b"\n".join(contents) for place, contents in self.places.items()}
        return [
            f"{marker.where} stands in {place}"
            for marker in markers
            for place, haystack in haystacks.items()
            if marker.is_in(haystack)
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


def read_table(local_stack: LocalStack, actual: Told) -> None:
    pages = local_stack.client("dynamodb").get_paginator("scan").paginate(TableName=local_stack.outputs["TableName"])
    for page in pages:
        for item in page["Items"]:
            actual.add("the table", flattened(item))


def read_bucket(local_stack: LocalStack, actual: Told) -> None:
    s3, bucket = local_stack.client("s3"), local_stack.outputs["BucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for each in page.get("Contents", []):
            content = s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
            actual.add("the bucket", each["Key"].encode() + b"\n" + content)


def read_queue(local_stack: LocalStack, url: str, actual: Told, place: str) -> int:
    """How many messages were waiting; they stay."""
    received = local_stack.client("sqs").receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=0,
        AttributeNames=["All"],
        MessageAttributeNames=["All"],
    )
    messages = received.get("Messages", [])
    for message in messages:
        actual.add(place, flattened(message))
    return len(messages)


def read_logs(local_stack: LocalStack, actual: Told) -> None:
    """The logs of this service: all but those of the functions that teams have deployed."""
    logs = local_stack.client("logs")
    for group in logs.get_paginator("describe_log_groups").paginate().build_full_result()["logGroups"]:
        name = group["logGroupName"]
        if "/team-" in name:
            continue
        streams = logs.get_paginator("describe_log_streams").paginate(logGroupName=name).build_full_result()
        for stream in streams["logStreams"]:
            for line in lines_of(logs, name, stream["logStreamName"]):
                actual.add(f"the log {name}", line)


def lines_of(logs: Any, group: str, stream: str) -> Iterator[str]:
    token: dict[str, str] = {}
    while True:
        page = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
        yield from (event["message"] for event in page["events"])
        if page["nextForwardToken"] == token.get("nextToken") or not page["events"]:
            return
        token = {"nextToken": page["nextForwardToken"]}


class Ear(NamedTuple):
    """A queue of the test's own behind the lifecycle bus."""

    local_stack: LocalStack
    queue: str
    workspace: str

    @classmethod
    def on(cls, workspace: Workspace) -> "Ear":
        local_stack, name = workspace.local_stack, f"ear-{workspace.name}"
        sqs, events = local_stack.client("sqs"), local_stack.client("events")
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        bus = local_stack.outputs["LifecycleBusName"]
        pattern = {"source": ["function-rerun"], "detail": {"workspace": [workspace.name]}}
        events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "ear", "Arn": arn}])
        return cls(local_stack, queue, workspace.name)

    def heard(self, actual: Told, run_ids: set[str]) -> None:
        """All that is told until each of these runs has been heard of."""
        sqs, missing = self.local_stack.client("sqs"), set(run_ids)

        def listen() -> bool:
            for message in sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", []):
                actual.add("the lifecycle bus", message["Body"])
                missing.discard(json.loads(message["Body"])["detail"]["functionRunId"])
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
            return not missing

        until(listen)
