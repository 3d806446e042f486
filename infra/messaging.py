"""What carries work and news: the execution queue, the queue of failures to capture, and the lifecycle bus."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from handlers.domain.error_groups.lifecycle import OPENED, REOPENED
from handlers.domain.runs.lifecycle import EVENT_SOURCE

EXECUTOR_TIMEOUT = Duration.minutes(15)
# Longer than the executor may take, or a message that is still being worked on would be delivered again.
VISIBILITY_TIMEOUT = Duration.minutes(16)
CAPTURE_TIMEOUT = Duration.seconds(60)
DELIVERIES = 5
CAPTURE_BATCH_SIZE = 10
_KEPT = Duration.days(14)


def queue_with_dead_letters(
    scope: Construct, name: str, dead_letters: str, *, visibility: Duration, production: bool
) -> tuple[sqs.Queue, sqs.Queue]:
    """The local stack speaks plain HTTP with its emulator; production refuses anything but TLS."""
    encryption = sqs.QueueEncryption.SQS_MANAGED
    dead = sqs.Queue(scope, dead_letters, retention_period=_KEPT, encryption=encryption, enforce_ssl=production)
    queue = sqs.Queue(
        scope,
        name,
        visibility_timeout=visibility,
        retention_period=_KEPT,
        encryption=encryption,
        enforce_ssl=production,
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead, max_receive_count=DELIVERIES),
    )
    return queue, dead


class Messaging(Construct):
    def __init__(self, scope: Construct, name: str, *, group_topic_arn: str | None, production: bool) -> None:
        super().__init__(scope, name)
        self.run_queue, self.dead_letters = queue_with_dead_letters(
            self, "RunQueue", "DeadLetterQueue", visibility=VISIBILITY_TIMEOUT, production=production
        )
        # Trigger rules never stand on this bus, so that no tenant sees or loops on lifecycle events.
        self.lifecycle_bus_name = f"{Stack.of(self).stack_name}-lifecycle"
        self.lifecycle_bus = events.EventBus(self, "LifecycleBus", event_bus_name=self.lifecycle_bus_name)
        if group_topic_arn is not None:
            self._send_groups(sns.Topic.from_topic_arn(self, "ErrorGroupTopic", group_topic_arn))

    def _send_groups(self, topic: sns.ITopic) -> None:
        """A line that a person understands: it goes to a telephone, perhaps."""
        event = events.EventField
        message = (
            f"{event.from_path('$.detail-type')}: {event.from_path('$.detail.errorCode')} of the function "
            f"{event.from_path('$.detail.functionId')} in {event.from_path('$.detail.workspace')}, run "
            f"{event.from_path('$.detail.functionRunId')}. "
            f"fnrun errors show {event.from_path('$.detail.errorGroupId')}"
        )
        events.Rule(
            self,
            "ErrorGroups",
            event_bus=self.lifecycle_bus,
            event_pattern=events.EventPattern(source=[EVENT_SOURCE], detail_type=[OPENED, REOPENED]),
            targets=[targets.SnsTopic(topic, message=events.RuleTargetInput.from_text(message))],
        )


class FailureCapture(Construct):
    """Where functions send their failed asynchronous invocations: straight to the queue, or by way of a bus.

    Lambda puts them on a bus as the function's own role would put any event, with `lambda` as their source. So a
    sender with permission to put events there can report failures that never happened, and have them retried: only a
    bus whose senders are trusted is listened to. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """

    def __init__(self, scope: Construct, name: str, *, trusted_bus: events.IEventBus | None, production: bool) -> None:
        super().__init__(scope, name)
        self.queue, self.dead_letters = queue_with_dead_letters(
            self,
            "CaptureQueue",
            "CaptureDeadLetterQueue",
            # Six times the Lambda's timeout, as AWS advises for its own retries in between.
            visibility=Duration.seconds(6 * CAPTURE_TIMEOUT.to_seconds()),
            production=production,
        )
        if trusted_bus is not None:
            self._listen_to(trusted_bus)

    def _listen_to(self, bus: events.IEventBus) -> None:
        events.Rule(
            self,
            "InvocationFailed",
            event_bus=bus,
            event_pattern=events.EventPattern(
                source=["lambda"],
                detail_type=events.Match.prefix("Lambda Function Invocation Result - Failure"),
            ),
            # What EventBridge cannot deliver is not reported a second time.
            targets=[targets.SqsQueue(self.queue, dead_letter_queue=self.dead_letters)],
        )
