"""EventBridge Scheduler: one schedule for each scheduled trigger, in a group of the stack's own."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from handlers.aws import aws_errors
from handlers.domain import clock
from handlers.domain.errors import InvalidRequest, Refused, SourceLimitReached
from handlers.domain.registry.entities import FunctionTrigger
from handlers.domain.registry.schedules import CronSchedule, IntervalSchedule, OneTimeSchedule
from handlers.domain.registry.trigger_metadata import METADATA, TriggerMetadata
from handlers.domain.starting.deliveries import ScheduledTime

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

# Scheduler puts the moment for which it was scheduled here. https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
# Scheduler invokes within a minute of the moment.
_PRECISION = timedelta(seconds=60)


class ScheduleGroup:
    def __init__(self, client: "EventBridgeSchedulerClient", group: str, *, target_arn: str, role_arn: str) -> None:
        """`target_arn` is the Lambda that schedules call, in the role of `role_arn`."""
        self._client = client
        self._group = group
        self._target_arn = target_arn
        self._role_arn = role_arn

    def check(self, trigger: FunctionTrigger) -> None:
        """Scheduler has no call that only checks: `put` raises what it refuses."""

    def put(self, trigger: FunctionTrigger) -> None:
        if isinstance(trigger.metadata, OneTimeSchedule) and trigger.metadata.at <= clock.now():
            self._keep_or_remove(trigger)
            return
        schedule = self._schedule(trigger)
        with aws_errors.translated(_refusals(trigger.metadata)):
            try:
                self._client.update_schedule(**schedule)
            except self._client.exceptions.ResourceNotFoundException:
                self._client.create_schedule(**schedule)

    def _keep_or_remove(self, trigger: FunctionTrigger) -> None:
        """A moment that has passed is not sent again: AWS does not document whether it is refused or starts a run.

        A schedule that is as it should be stays: within a minute after its moment it may not have been invoked yet.
        """
        wanted = _state(trigger), _timing(trigger.metadata)["ScheduleExpression"]
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

    def _schedule(self, trigger: FunctionTrigger) -> dict[str, Any]:
        return {
            "GroupName": self._group,
            "Name": trigger.id,
            **_timing(trigger.metadata),
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "State": _state(trigger),
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


def _timing(metadata: TriggerMetadata) -> dict[str, Any]:
    """When the schedule is due, in Scheduler's words.

    Without StartDate a rate is invoked at once, and an update that leaves it out has none.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#rate-based
    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_UpdateSchedule.html
    """
    match metadata:
        case IntervalSchedule(interval=seconds):
            minutes = seconds // 60
            first = (clock.now() + timedelta(seconds=seconds)).replace(microsecond=0)
            return _expression(f"rate({minutes} minute{'s' if minutes > 1 else ''})") | {"StartDate": first}
        case CronSchedule(cron_expression=fields, timezone=zone):
            return _expression(f"cron({fields})", zone)
        case OneTimeSchedule(at=moment):
            return _expression(f"at({moment:%Y-%m-%dT%H:%M:%S})")
    raise TypeError(f"{type(metadata).__name__} is no schedule")


def _expression(text: str, zone: str = "UTC") -> dict[str, Any]:
    return {"ScheduleExpression": text, "ScheduleExpressionTimezone": zone}


def _refusals(metadata: TriggerMetadata) -> dict[str, Refused]:
    """Scheduler answers ValidationException for an expression and for a role that it cannot assume alike.

    A rate, and a moment ahead, are within all that it documents: a refusal of these is about what the stack has set. A
    cron expression or its time zone may be one that we read and Scheduler does not, a moment may have just passed.
    https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
    https://github.com/aws/aws-sdk-js-v3/issues/6494
    """
    refusals: dict[str, Refused] = {"ServiceQuotaExceededException": SourceLimitReached()}
    if isinstance(metadata, CronSchedule):
        problem = "is refused by EventBridge Scheduler."
        refusals["ValidationException"] = InvalidRequest(f"{METADATA}.cronExpression", problem)
    if isinstance(metadata, OneTimeSchedule) and metadata.at <= clock.now() + _PRECISION:
        refusals["ValidationException"] = InvalidRequest(f"{METADATA}.at", "has passed.")
    return refusals
