"""EventBridge Scheduler: one schedule for each scheduled trigger, in a group of the stack's own."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from handlers.aws import aws_errors
from handlers.domain import clock
from handlers.domain.errors import InvalidRequest, Refused, SourceLimitReached
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.trigger_kinds import Schedule, timing_field
from handlers.domain.starting.deliveries import ScheduledTime

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

# Scheduler puts the moment for which it was scheduled here. https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"


class ScheduleGroup:
    def __init__(self, client: "EventBridgeSchedulerClient", group: str, *, target_arn: str, role_arn: str) -> None:
        """`target_arn` is the Lambda that schedules call, in the role of `role_arn`."""
        self._client = client
        self._group = group
        self._target_arn = target_arn
        self._role_arn = role_arn

    def put(self, trigger: FunctionTrigger) -> None:
        assert trigger.schedule is not None  # noqa: S101 - whoever puts it knows that it is a scheduled trigger
        if trigger.schedule.at is not None and trigger.schedule.at <= clock.now():
            self._keep_or_remove(trigger, trigger.schedule)
            return
        schedule = self._schedule(trigger, trigger.schedule)
        with aws_errors.translated(_refusals(trigger.schedule)):
            try:
                self._client.update_schedule(**schedule)
            except self._client.exceptions.ResourceNotFoundException:
                self._client.create_schedule(**schedule)

    def _keep_or_remove(self, trigger: FunctionTrigger, passed: Schedule) -> None:
        """A moment that has passed is not sent again: AWS does not document whether it is refused or starts a run.

        A schedule that is as it should be stays: within a minute after its moment it may not have been invoked yet.
        """
        wanted = _state(trigger), _expression(passed)
        with aws_errors.translated():
            try:
                found = self._client.get_schedule(GroupName=self._group, Name=trigger.id)
            except self._client.exceptions.ResourceNotFoundException:
                return
        if (found.get("State"), found.get("ScheduleExpression")) != wanted:
            self.remove(trigger)

    def remove(self, trigger: FunctionTrigger) -> None:
        with aws_errors.translated():
            try:
                self._client.delete_schedule(GroupName=self._group, Name=trigger.id)
            except self._client.exceptions.ResourceNotFoundException:
                return  # it never came to be, or this is a repetition

    def _schedule(self, trigger: FunctionTrigger, schedule: Schedule) -> dict[str, Any]:
        return {
            "GroupName": self._group,
            "Name": trigger.id,
            "ScheduleExpression": _expression(schedule),
            "ScheduleExpressionTimezone": schedule.timezone or "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": _state(trigger),
            **_first_invocation(schedule),
            # A schedule stays with its trigger, also when its one moment has passed.
            "ActionAfterCompletion": "NONE",
            "Target": {
                "Arn": self._target_arn,
                "RoleArn": self._role_arn,
                # Ids and a time: the trigger's params stay sealed where they are.
                "Input": ScheduledTime.text(trigger.id, SCHEDULED_TIME),
            },
        }


def _state(trigger: FunctionTrigger) -> Literal["ENABLED", "DISABLED"]:
    return "ENABLED" if trigger.enabled else "DISABLED"


def _first_invocation(schedule: Schedule) -> dict[str, datetime]:
    """Without StartDate a rate is invoked at once, and an update that leaves it out has none.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based
    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
    """
    if schedule.interval is None:
        return {}
    return {"StartDate": (clock.now() + timedelta(seconds=schedule.interval)).replace(microsecond=0)}


def _expression(schedule: Schedule) -> str:
    if schedule.at is not None:
        return f"at({schedule.at:%Y-%m-%dT%H:%M:%S})"
    if schedule.cron_expression is not None:
        return f"cron({schedule.cron_expression})"
    minutes = (schedule.interval or 0) // 60
    return f"rate({minutes} minute{'s' if minutes > 1 else ''})"


def _refusals(schedule: Schedule) -> dict[str, Refused]:
    return {
        "ValidationException": InvalidRequest(
            timing_field(schedule.schedule_type), "is refused by EventBridge Scheduler."
        ),
        "ServiceQuotaExceededException": SourceLimitReached(),
    }
