"""What calls a function besides the API: a queue, a schedule, or a rule of an event bus."""

from dataclasses import dataclass
from typing import Protocol

from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as event_sources
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra import nag


class EventSource(Protocol):
    def connect(self, scope: Construct, function: lambda_.Function) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Queue:
    """Messages of an SQS queue. The function says which of a batch have failed; only these come again."""

    queue: sqs.IQueue
    batch_size: int
    max_concurrency: int | None = None

    def connect(self, _: Construct, function: lambda_.Function) -> None:
        function.add_event_source(
            event_sources.SqsEventSource(
                self.queue,
                batch_size=self.batch_size,
                max_concurrency=self.max_concurrency,
                report_batch_item_failures=True,
            )
        )


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """`if_missed` says why a missed call needs no dead letters."""

    schedule: events.Schedule
    if_missed: str
    retry_attempts: int | None = None

    def connect(self, scope: Construct, function: lambda_.Function) -> None:
        target = targets.LambdaFunction(function, retry_attempts=self.retry_attempts)
        rule = events.Rule(scope, f"{function.node.id}-schedule", schedule=self.schedule, targets=[target])
        nag.answer(rule, {"Serverless-EventBusDLQ": self.if_missed})


@dataclass(frozen=True, kw_only=True)
class BusEvents:
    """Events of a bus that match a pattern. `if_missed` says why a missed one needs no dead letters."""

    bus: events.IEventBus
    pattern: events.EventPattern
    if_missed: str

    def connect(self, scope: Construct, function: lambda_.Function) -> None:
        rule = events.Rule(
            scope,
            f"{function.node.id}-events",
            event_bus=self.bus,
            event_pattern=self.pattern,
            targets=[targets.LambdaFunction(function)],
        )
        nag.answer(rule, {"Serverless-EventBusDLQ": self.if_missed})
