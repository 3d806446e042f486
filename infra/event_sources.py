"""What calls a function besides the API: messages of a queue, a schedule, or events of a bus."""

from collections.abc import Callable
from typing import Any

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import nag

EventSource = Callable[[Construct, lambda_.Function], None]
"""Lets the source call the function; what that takes is made in the scope."""


def queue_messages(queue: sqs.IQueue, *, batch_size: int, max_concurrency: int | None = None) -> EventSource:
    """The function says which messages of a batch have failed; only these come again."""
    source = event_sources.SqsEventSource(
        queue, batch_size=batch_size, max_concurrency=max_concurrency, report_batch_item_failures=True
    )
    return lambda _, function: function.add_event_source(source)


def schedule(when: events.Schedule, *, if_missed: str, retry_attempts: int | None = None) -> EventSource:
    """`if_missed` says why a missed call needs no dead letters."""
    return _rule("schedule", if_missed, retry_attempts, schedule=when)


def bus_events(bus: events.IEventBus, pattern: events.EventPattern, *, if_missed: str) -> EventSource:
    """`if_missed` says why a missed event needs no dead letters."""
    return _rule("events", if_missed, event_bus=bus, event_pattern=pattern)


def _rule(kind: str, if_missed: str, retry_attempts: int | None = None, **properties: Any) -> EventSource:
    def connect(scope: Construct, function: lambda_.Function) -> None:
        target = targets.LambdaFunction(function, retry_attempts=retry_attempts)
        rule = events.Rule(scope, f"{function.node.id}-{kind}", targets=[target], **properties)
        nag.answer(rule, {"Serverless-EventBusDLQ": if_missed})

    return connect
