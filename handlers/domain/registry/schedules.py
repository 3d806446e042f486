"""Scheduled triggers: `scheduleType` interval (every so many seconds), cron, or once (at one moment)."""

import re
from typing import Annotated, Literal
from zoneinfo import available_timezones

from aws_cron_expression_validator.validator import AWSCronExpressionError, AWSCronExpressionValidator
from pydantic import AfterValidator, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from handlers.domain import clock
from handlers.domain.clock import iso
from handlers.domain.errors import InvalidRequest
from handlers.domain.json_document import JsonObject
from handlers.domain.registry.trigger_metadata import METADATA, AwsService, TriggerMetadata
from handlers.domain.requests import Body, Moment
from handlers.domain.runs.run import ExecutionSource, ExecutionType

MAX_INTERVAL = 366 * 24 * 3600
MAX_CRON = 256
# Names of the time zone database that are no time zones.
_NO_ZONES = {"localtime", "Factory", "posixrules"}
# No spaces but single ones between the fields: AWS counts them.
_CRON = re.compile(r"[^ ]+( [^ ]+){5}")
_CRON_ELEMENT = re.compile(r"[0-9A-Za-z*?/#-]{1,12}")
# What each field may hold. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#cron-based
_CRON_FIELDS = {
    "minutes": "0-59 and , - * /",
    "hours": "0-23 and , - * /",
    "day of the month": "1-31 and , - * ? / L W",
    "month": "1-12 or JAN-DEC and , - * /",
    "day of the week": "1-7 or SUN-SAT and , - * ? L #",
    "year": "1970-2199 and , - * /",
}
_DAY_OF_MONTH, _DAY_OF_WEEK = 2, 4


def check_cron(expression: str) -> str:
    """The expression, if EventBridge Scheduler reads it. Raises PydanticCustomError saying which field it does not."""
    if not expression.isascii() or not _CRON.fullmatch(expression):
        raise _flaw("must be six fields, like 0 9 ? * MON-FRI *, with one space between them")
    fields = expression.split(" ")
    if (fields[_DAY_OF_MONTH] == "?") == (fields[_DAY_OF_WEEK] == "?"):
        raise _flaw("must have a ? either as its day of the month or as its day of the week")
    for position, (name, allowed) in enumerate(_CRON_FIELDS.items()):
        if not _is_cron_field(position, fields[position]):
            raise _flaw(f"has a {name} that EventBridge Scheduler does not read: {allowed} are allowed there")
    return expression


def _is_cron_field(position: int, field: str) -> bool:
    """Each element of a list is checked alone: on a long list the validator's expressions backtrack for hours."""
    elements = field.split(",")
    return all(_is_cron_element(position, element) for element in elements) and (elements == ["?"] or "?" not in field)


def _is_cron_element(position: int, element: str) -> bool:
    trial = ["0", "0", "?", "*", "*", "*"] if position == _DAY_OF_WEEK else ["0", "0", "1", "*", "?", "*"]
    if element == "?" or not _CRON_ELEMENT.fullmatch(element):
        return element == "?" and position in (_DAY_OF_MONTH, _DAY_OF_WEEK)
    trial[position] = element
    try:
        AWSCronExpressionValidator.validate(" ".join(trial))
    except AWSCronExpressionError:
        return False
    return True


def _check_zone(name: str) -> str:
    if name not in available_timezones() - _NO_ZONES:
        raise _flaw("is not a time zone like Europe/Berlin")
    return name


def _flaw(problem: str) -> PydanticCustomError:
    return PydanticCustomError("schedule", problem)


class Schedule(TriggerMetadata):
    """What the three types have in common."""

    execution_type = ExecutionType.SCHEDULED
    execution_source = ExecutionSource.SCHEDULED
    aws_service = AwsService.SCHEDULER

    @classmethod
    def kind_of(cls, body: JsonObject) -> type[TriggerMetadata]:
        tag = "scheduleType"
        return SCHEDULES[_ScheduleTag.read({tag: body[tag]} if tag in body else {}, within=METADATA).schedule_type]

    @classmethod
    def kinds(cls) -> list[type[TriggerMetadata]]:
        return [*SCHEDULES.values()]


class IntervalSchedule(Schedule):
    schedule_type: Literal["interval"]
    interval: int = Field(ge=60, le=MAX_INTERVAL, multiple_of=60, description="Seconds between two runs.")


class CronSchedule(Schedule):
    schedule_type: Literal["cron"]
    cron_expression: Annotated[
        str,
        Field(max_length=MAX_CRON, description="The six fields that EventBridge Scheduler reads, without `cron()`."),
        AfterValidator(check_cron),
    ]
    timezone: Annotated[str, Field(max_length=64), AfterValidator(_check_zone)] = "UTC"


class OneTimeSchedule(Schedule):
    schedule_type: Literal["once"]
    at: Annotated[
        Moment,
        AfterValidator(lambda moment: moment.replace(microsecond=0)),
        PlainSerializer(iso, return_type=str),
        WithJsonSchema({"type": "string", "format": "date-time"}),
    ]

    def check_ahead(self) -> None:
        if self.at <= clock.now():
            raise InvalidRequest(f"{METADATA}.at", "has passed.")


class _ScheduleTag(Body):
    schedule_type: Literal["interval", "cron", "once"]


SCHEDULES: dict[str, type[Schedule]] = {"interval": IntervalSchedule, "cron": CronSchedule, "once": OneTimeSchedule}
