"""What carries work and news: the execution queue with its dead letters, and the lifecycle bus."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_sqs as sqs
from constructs import Construct

EXECUTOR_TIMEOUT = Duration.minutes(15)
# Longer than the executor may take, or a message that is still being worked on would be delivered again.
VISIBILITY_TIMEOUT = Duration.minutes(16)
DELIVERIES = 5


class Messaging(Construct):
    def __init__(self, scope: Construct, name: str, *, production: bool) -> None:
        """The laptop speaks plain HTTP with its emulator; production refuses anything but TLS."""
        super().__init__(scope, name)
        self.dead_letters = sqs.Queue(
            self, "DeadLetterQueue", retention_period=Duration.days(14), enforce_ssl=production
        )
        self.run_queue = sqs.Queue(
            self,
            "RunQueue",
            visibility_timeout=VISIBILITY_TIMEOUT,
            retention_period=Duration.days(14),
            enforce_ssl=production,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=DELIVERIES),
        )
        # Trigger rules never stand on this bus, so that no tenant sees or loops on lifecycle events.
        self.lifecycle_bus = events.EventBus(
            self, "LifecycleBus", event_bus_name=f"{Stack.of(self).stack_name}-lifecycle"
        )
