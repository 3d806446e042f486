from aws_cdk import Duration
from aws_cdk import aws_events as events

from handlers import sweep_versions
from infra import grants
from infra.event_sources import schedule
from infra.function import Function
from infra.resources import Resources


def describe(resources: Resources) -> Function | None:
    if not resources.settings.delete_unused_versions:
        return None
    return Function(
        entry_point=sweep_versions,
        timeout=Duration.minutes(15),
        # It reads all runs within its time: that is a matter of CPU, which comes with memory.
        memory_mb=1769,
        grants=[
            grants.index(resources, "byWorkspace", action="Scan"),
            grants.table(resources, "BatchGetItem"),
            grants.invokable_functions(resources, "ListVersionsByFunction", "ListAliases"),
            grants.versions_of_invokable_functions(resources, "DeleteFunction"),
            grants.deny_own_functions(resources),
        ],
        sources=[
            schedule(
                events.Schedule.cron(minute="0", hour="3", day="1"),
                if_missed="What a sweep of versions missed has its turn a month later",
            )
        ],
    )
