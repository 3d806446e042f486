"""Many failures of one kind are one message of the topic that the context names; one more once it is resolved."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from handlers.aws.error_groups import GroupCounts, GroupStore
from handlers.aws.table import Table
from handlers.domain import clock
from handlers.domain.error_groups.group import ErrorGroup, GroupState
from handlers.domain.paging import Page
from infra.messaging import Messaging
from tests.stack.driver import ECHO, TeamFunction, Workspace, until
from tests.stack.test_captured import a_record, capturing

FAILURES = 40
TRACE = ['  File "/var/task/app.py", line 3, in handler\n    raise ValueError("hush-4711")\n']
ERROR = {"errorType": "ValueError", "errorMessage": "hush-4711", "stackTrace": TRACE}


class Topic:
    """A topic as the context may name it, on the rule of the stack's template, and what it delivers."""

    def __init__(self, workspace: Workspace) -> None:
        client = workspace.local_stack.client
        self._events, self._sqs = client("events"), client("sqs")
        self._bus, self._rule = workspace.local_stack.outputs["LifecycleBusName"], f"groups-{workspace.name}"
        topic = client("sns").create_topic(Name=workspace.name)["TopicArn"]
        # What docs/reference/lifecycle-events.md asks of the topic's owner.
        may_publish = _policy("events.amazonaws.com", "sns:Publish", topic)
        client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=may_publish)
        self._queue = self._sqs.create_queue(QueueName=f"groups-{workspace.name}")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        may_send = _policy("sns.amazonaws.com", "sqs:SendMessage", attributes["QueueArn"])
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": may_send})
        raw = {"RawMessageDelivery": "true"}
        client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=attributes["QueueArn"], Attributes=raw)
        rule = _rule_of_the_template(topic)
        pattern = json.dumps(rule["EventPattern"])
        self._events.put_rule(Name=self._rule, EventBusName=self._bus, EventPattern=pattern)
        self._events.put_targets(Rule=self._rule, EventBusName=self._bus, Targets=rule["Targets"])

    def close(self) -> None:
        ids = [
            each["Id"] for each in self._events.list_targets_by_rule(Rule=self._rule, EventBusName=self._bus)["Targets"]
        ]
        self._events.remove_targets(Rule=self._rule, EventBusName=self._bus, Ids=ids)
        self._events.delete_rule(Name=self._rule, EventBusName=self._bus)
        self._sqs.delete_queue(QueueUrl=self._queue)

    def messages(self, about: str) -> list[str]:
        """Those that name the workspace: what has come so far, and comes within a second."""
        found: list[str] = []
        while got := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=1).get(
            "Messages"
        ):
            found += [each["Body"] for each in got if f" in {about}, " in each["Body"]]
            for each in got:
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=each["ReceiptHandle"])
        return found


def _policy(service: str, action: str, resource: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _rule_of_the_template(topic_arn: str) -> dict[str, Any]:
    stack = cdk.Stack(cdk.App(), "Stack")
    Messaging(stack, "Messaging", group_topic_arn=topic_arn, production=False)
    (rule,) = Template.from_stack(stack).find_resources("AWS::Events::Rule").values()
    properties: dict[str, Any] = rule["Properties"]
    return properties


@pytest.fixture
def topic(workspace: Workspace) -> Iterator[Topic]:
    topic = Topic(workspace)
    yield topic
    topic.close()


def fail(workspace: Workspace, function: TeamFunction, count: int) -> None:
    """By the queue of failures to capture, where many are processed at once."""
    sqs, queue = workspace.local_stack.client("sqs"), workspace.local_stack.outputs["CaptureQueueUrl"]
    for _ in range(0, count, 10):
        bodies = [json.dumps(a_record(function.arn, responsePayload=ERROR)) for _ in range(min(count, 10))]
        entries = [{"Id": str(number), "MessageBody": body} for number, body in enumerate(bodies)]
        assert not sqs.send_message_batch(QueueUrl=queue, Entries=entries).get("Failed")


def test_many_failures_are_one_message_and_one_more_after_it_was_resolved(workspace: Workspace, topic: Topic) -> None:
    function = TeamFunction(workspace.local_stack, name=f"team-{uuid4().hex[:8]}").deploy(ECHO)
    capturing(workspace, function)
    table = Table(workspace.local_stack.client("dynamodb"), workspace.local_stack.outputs["TableName"])
    groups, counts = GroupStore(table, report=print), GroupCounts(table)

    def the_group() -> ErrorGroup:
        (group,), _ = groups.list(workspace.name, None, Page())
        return group

    def failures() -> int:
        now = clock.now()
        return counts.count(workspace.name, the_group().id, now - timedelta(hours=1), now).failures

    fail(workspace, function, FAILURES)
    until(lambda: groups.list(workspace.name, None, Page())[0])
    until(lambda: failures() == FAILURES, seconds=120)
    (message,) = topic.messages(workspace.name)
    group = the_group()
    assert json.loads(message) == (
        f"Error Group Opened: ValueError of the function {group.function_id} in {workspace.name}, "
        f"run {group.sample_run_id}. fnrun errors show {group.id}"
    )

    resolved = {"state": GroupState.RESOLVED, "version": 2, "changed_at": clock.now(), "changed_by": "alice"}
    assert groups.replace(group, group.evolve(**resolved))
    fail(workspace, function, 20)
    until(lambda: failures() == FAILURES + 20)
    (message,) = topic.messages(workspace.name)
    assert json.loads(message).startswith("Error Group Reopened: ValueError")
    assert the_group().state is GroupState.OPEN
