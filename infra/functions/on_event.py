from aws_cdk import Duration

from handlers import on_event
from infra import grants
from infra.function import Alarm, Function
from infra.resources import Resources


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=on_event,
        timeout=Duration.seconds(60),
        grants=[
            grants.start_runs(resources),
            grants.table(resources, "GetItem"),
            # An event that cannot be executed is a failed run at once.
            grants.seal_outcomes(resources),
        ],
        sources=[resources.trigger_sources.connect],
        # Lambda tries again what could not be recorded: twice, and a throttled call for as long as this.
        retry_attempts=2,
        max_event_age=Duration.hours(6),
        alarms=[
            Alarm(
                "DroppedEvents",
                "AsyncEventsDropped",
                "Schedules or events have started no run: Lambda has given up on them",
            )
        ],
        nag_answers={
            "Serverless-LambdaAsyncFailureDestination": "It would keep events in clear; an alarm tells of losses"
        },
    )
