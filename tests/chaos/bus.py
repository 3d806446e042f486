"""The lifecycle bus from outside: what it was told, and its events delivered twice."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self
from uuid import uuid4

from infra.local.local_stack import LocalStack


@contextmanager
def delivered_twice(local_stack: LocalStack) -> Iterator[int]:
    """Every rule on the lifecycle bus has a twin, so that its targets get each event twice; gives how many have."""
    events, bus = local_stack.client("events"), local_stack.outputs["LifecycleBusName"]
    twins: dict[str, list[str]] = {}
    try:
        for rule in events.list_rules(EventBusName=bus)["Rules"]:
            twin = f"{rule['Name'][:50]}-{uuid4().hex[:8]}"
            targets = events.list_targets_by_rule(Rule=rule["Name"], EventBusName=bus)["Targets"]
            twins[twin] = [target["Id"] for target in targets]
            events.put_rule(Name=twin, EventBusName=bus, EventPattern=rule["EventPattern"])
            events.put_targets(Rule=twin, EventBusName=bus, Targets=targets)
        yield len(twins)
    finally:
        for twin, ids in twins.items():
            _remove(events, bus, twin, ids)


def _remove(events: Any, bus: str, rule: str, targets: list[str]) -> None:
    events.remove_targets(Rule=rule, EventBusName=bus, Ids=targets)
    events.delete_rule(Name=rule, EventBusName=bus)


class Listener:
    """Hears every event of the lifecycle bus, by way of a queue of its own."""

    def __init__(self, local_stack: LocalStack) -> None:
        self._sqs, self._events = local_stack.client("sqs"), local_stack.client("events")
        self._bus = local_stack.outputs["LifecycleBusName"]
        self._name = f"chaos-{uuid4().hex[:8]}"
        self._heard: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._queue = self._sqs.create_queue(QueueName=self._name)["QueueUrl"]
        wanted = ["QueueArn"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=wanted)["Attributes"]["QueueArn"]
        pattern = json.dumps({"source": ["function-rerun"]})
        self._events.put_rule(Name=self._name, EventBusName=self._bus, EventPattern=pattern)
        self._events.put_targets(Rule=self._name, EventBusName=self._bus, Targets=[{"Id": "queue", "Arn": arn}])
        return self

    def __exit__(self, *_: object) -> None:
        _remove(self._events, self._bus, self._name, ["queue"])
        self._sqs.delete_queue(QueueUrl=self._queue)

    def heard(self) -> Counter[str]:
        """How often the end of each run was told since the beginning."""
        for event in self.received():
            if event["detail-type"].startswith("Function Run"):
                self._heard[event["detail"]["functionRunId"]] += 1
        return self._heard.copy()

    def received(self) -> Iterator[Any]:
        """The events that have come since it was last asked."""
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                yield json.loads(message["Body"])
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
