"""EventBridge Scheduler: when a schedule is due, and what its target receives.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

import itertools
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo, available_timezones

from ministack.core.responses import get_account_id, get_region, set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler

from infra.local.emulator.cron import Cron

Schedule = dict[str, Any]
"""The emulator's record: the request, with its timestamps in seconds."""
_AT = re.compile(r"at\((\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\)", re.ASCII)
# "rate(1 hours)" is valid, unlike in EventBridge rules: the user guide names the plurals only.
_RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)", re.ASCII)
_CRON = re.compile(r"cron\((.+)\)")
_SECONDS = {"minute": 60, "hour": 3_600, "day": 86_400}
_EARLIEST = timedelta(microseconds=1)


def moments(schedule: Schedule) -> Iterator[float]:
    """When it is due, ascending, since its last change. Raises ValueError for an invalid schedule."""
    zone = _zone(schedule.get("ScheduleExpressionTimezone") or "UTC")
    expression = schedule["ScheduleExpression"]
    if at := _AT.fullmatch(expression):
        return _once(datetime.fromisoformat(at[1]), zone)  # a one-time schedule has neither start nor end
    end = schedule.get("EndDate") or float("inf")
    return itertools.takewhile(lambda moment: moment <= end, _recurring(schedule, expression, zone))


def _zone(name: str) -> ZoneInfo:
    if name not in available_timezones():
        raise ValueError(f"{name!r} is no time zone.")
    return ZoneInfo(name)


def _once(local: datetime, zone: ZoneInfo) -> Iterator[float]:
    return iter([local.replace(tzinfo=zone).timestamp()])


def _recurring(schedule: Schedule, expression: str, zone: ZoneInfo) -> Iterator[float]:
    start = schedule.get("StartDate")
    if rate := _RATE.fullmatch(expression):
        interval = int(rate[1]) * _SECONDS[rate[2]]
        if interval == 0:
            raise ValueError("The interval is zero.")
        # "If you do not provide a StartDate for a rate-based schedule, your schedule starts invoking … immediately."
        return itertools.count(start or schedule["LastModificationDate"], interval)
    if cron := _CRON.fullmatch(expression):
        after = datetime.fromtimestamp(schedule["LastModificationDate"], tz=UTC)
        if start:
            after = max(after, datetime.fromtimestamp(start, tz=UTC) - _EARLIEST)
        return (moment.timestamp() for moment in Cron(cron[1]).moments(zone, after))
    raise ValueError(f"{expression!r} is neither at, rate nor cron.")


@dataclass
class _Watch:
    """One schedule in its latest version."""

    version: object
    moments: Iterator[float]
    next: float | None

    def due(self, now: float) -> float | None:
        """The latest moment that has passed since the last call: of several missed ones, only one is made up for."""
        due = None
        while self.next is not None and self.next <= now:
            due, self.next = self.next, next(self.moments, None)
        return due


class Ticker:
    """Invokes what is due at each `tick`."""

    def __init__(self) -> None:
        self._watched: dict[Any, _Watch] = {}

    def tick(self) -> None:
        scope, now = (get_account_id(), get_region()), scheduler._now()  # noqa: SLF001
        schedules: dict[Any, Schedule] = scheduler._schedules._data  # noqa: SLF001
        try:
            watched = {key: self._watch(key, schedule) for key, schedule in list(schedules.items())}
            self._watched = watched
            for key, watch in watched.items():
                schedule = schedules.get(key)
                if schedule is None or schedule["State"] != "ENABLED":
                    continue
                if (due := watch.due(now)) is not None:
                    set_request_account_id(key[0])
                    set_request_region(key[1])
                    _invoke(schedule, due, now)
                if watch.next is None and schedule["ActionAfterCompletion"] == "DELETE":
                    schedules.pop(key, None)
        finally:
            set_request_account_id(scope[0])
            set_request_region(scope[1])

    def _watch(self, key: Any, schedule: Schedule) -> _Watch:
        watch = self._watched.get(key)
        version = _version(schedule)
        if watch is None or watch.version != version:
            coming = moments(schedule)
            watch = _Watch(version, coming, next(coming, None))
        return watch


def _version(schedule: Schedule) -> object:
    if _AT.fullmatch(schedule["ScheduleExpression"]):
        # A one-time schedule that has fired does not fire again because its target, say, was changed.
        return schedule["CreationDate"], schedule["ScheduleExpression"], schedule["ScheduleExpressionTimezone"]
    return schedule["LastModificationDate"]


def _invoke(schedule: Schedule, due: float, now: float) -> None:
    event = {
        "EventId": str(uuid4()),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": now,
        "Resources": [schedule["Arn"]],
        "Account": get_account_id(),
        "Region": get_region(),
    }
    try:
        eventbridge._invoke_target(target_at(schedule["Target"], schedule, due), event, schedule)  # noqa: SLF001
    except Exception:
        logging.getLogger("scheduler").exception("%s could not be invoked", schedule["Arn"])


def target_at(target: dict[str, Any], schedule: Schedule, scheduled: float) -> dict[str, Any]:
    """The target with the context attributes in its input replaced.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
    """
    attributes = {
        "<aws.scheduler.schedule-arn>": schedule["Arn"],
        "<aws.scheduler.scheduled-time>": f"{datetime.fromtimestamp(scheduled, tz=UTC):%Y-%m-%dT%H:%M:%SZ}",
        "<aws.scheduler.execution-id>": str(uuid4()),
        "<aws.scheduler.attempt-number>": "1",
    }
    text = target.get("Input") or ""
    for name, value in attributes.items():
        text = text.replace(name, value)
    return {**target, "Input": text} if text else target
