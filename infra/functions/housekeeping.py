from aws_cdk import Duration
from aws_cdk import aws_events as events

from handlers import housekeeping
from infra import grants
from infra.event_sources import schedule
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=housekeeping,
        timeout=Duration.minutes(10),
        grants=[
            grants.table(resources, "GetItem", "BatchGetItem", "UpdateItem", "DeleteItem"),
            grants.index(resources, "due"),
            grants.delete_large_parts(resources),
        ],
        sources=[
            schedule(
                events.Schedule.rate(Duration.hours(1)),
                retry_attempts=0,
                if_missed="The next hour makes up for one missed",
            )
        ],
    )
