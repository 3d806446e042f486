from aws_cdk import Duration
from aws_cdk.aws_events import EventPattern
from aws_cdk.aws_lambda import RecursiveLoop

from handlers import on_run_failed
from handlers.domain.runs.lifecycle import AWAITS_RETRY, EVENT_SOURCE, FAILED
from infra import grants
from infra.event_sources import bus_events
from infra.function import Function
from infra.resources import Resources

_IF_LOST = "The watchdog publishes a failure again that has not been answered by a retry"


def describe(resources: Resources) -> Function:
    return Function(
        entry_point=on_run_failed,
        timeout=Duration.seconds(60),
        grants=[grants.start_runs(resources), grants.repeat_runs(resources), grants.table(resources, "GetItem")],
        sources=[
            bus_events(
                resources.messaging.lifecycle_bus,
                EventPattern(source=[EVENT_SOURCE], detail_type=[FAILED], detail={AWAITS_RETRY: [True]}),
                if_missed=_IF_LOST,
            )
        ],
        # What is not done within the hour the watchdog has published again, several times.
        retry_attempts=2,
        max_event_age=Duration.hours(1),
        # A retry that fails comes here again, as often as its trigger says: that is no runaway loop.
        recursive_loop=RecursiveLoop.ALLOW,
        nag_answers={"Serverless-LambdaAsyncFailureDestination": _IF_LOST},
    )
