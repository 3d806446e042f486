from aws_cdk import Duration
from aws_cdk import aws_events as events

from handlers import watchdog
from infra import grants
from infra.event_sources import schedule
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    messaging = resources.messaging
    return Function(
        entry_point=watchdog,
        timeout=Duration.seconds(55),
        grants=[
            grants.table(resources, "Query", "GetItem", "BatchGetItem", "PutItem", "UpdateItem", "DeleteItem"),
            grants.index(resources, "due"),
            grants.seal_outcomes(resources),
            grants.finish_large_parts(resources),
            grants.erase_large_parts(resources),
            grants.queue(messaging.run_queue.queue_arn, "SendMessage", "GetQueueAttributes"),
            grants.queue(messaging.dead_letters.queue_arn, "ReceiveMessage", "DeleteMessage"),
            grants.end_runs(resources),
            grants.manage_trigger_sources(resources),
            grants.start_batches(resources),
        ],
        sources=[
            schedule(
                events.Schedule.rate(Duration.minutes(1)),
                retry_attempts=0,
                if_missed="The next pass, a minute later, makes up for one missed",
            )
        ],
    )
