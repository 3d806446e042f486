"""EventBridge Scheduler: schedules that it refuses, and when one is due."""

import functools
from typing import Any

from ministack.services import scheduler

from infra.local.emulator.corrections.api_models import violation
from infra.local.emulator.corrections.rewriting import EmulatorChanged, refuse_first, require
from infra.local.emulator.scheduler import Ticker, moments

_TICK_SECONDS = 10
_OLDEST_START_SECONDS = 5 * 60
# Defects of the emulator's timing, and the code behind each.
_MISTIMED = {
    "a rate without StartDate waits an interval": 'sched.get("CreationDate", now)',
    "a cron ignores its time zone": "next_fire = _eb._cron_next_fire(fields, last_dt)\n",
    "a changed schedule never fires again": "now < at_epoch or state_key in _schedule_last_fired",
    "an interval drifts with the ticks": "_schedule_last_fired[state_key] = now\n            target",
    "a schedule hands over placeholders": "_eb._invoke_target(target, event, sched)",
}


def schedules_are_mistimed() -> None:
    for defect, code in _MISTIMED.items():
        require(defect, scheduler._tick_schedules, code)  # noqa: SLF001
    scheduler._tick_schedules = Ticker().tick  # noqa: SLF001


def a_schedule_waits_ten_seconds_for_its_tick() -> None:
    """AWS takes up to a minute; here, tests and the demo would only wait."""
    if scheduler._SCHEDULE_TICK_INTERVAL != _TICK_SECONDS:  # noqa: SLF001
        raise EmulatorChanged("a schedule waits ten seconds for its tick")
    scheduler._SCHEDULE_TICK_INTERVAL = 1  # noqa: SLF001


def a_schedule_may_say_anything() -> None:
    """Expressions, time zones and names that Scheduler refuses with a ValidationException."""
    defect = "a schedule may say anything"
    for operation, name in {"CreateSchedule": "_create_schedule", "UpdateSchedule": "_update_schedule"}.items():
        expected = '    if not body.get("ScheduleExpression"):\n', '"ScheduleExpression"],\n'
        require(defect, getattr(scheduler, name), *expected)
        refuse_first(scheduler, name, functools.partial(_refusal, operation))


def _refusal(operation: str, name: str, body: dict[str, Any]) -> Any:
    problem = violation("scheduler", operation, {"Name": name, **body}) or _impossible(body)
    return problem and scheduler._error(400, "ValidationException", problem)  # noqa: SLF001


def _impossible(body: dict[str, Any]) -> str | None:
    now, start, end = scheduler._now(), body.get("StartDate"), body.get("EndDate")  # noqa: SLF001
    try:
        moments({**body, "LastModificationDate": now})
    except ValueError:
        return f"Invalid Schedule Expression {body.get('ScheduleExpression')}."
    # https://github.com/getmoto/moto/pull/8172, where it was seen
    if start is not None and start < now - _OLDEST_START_SECONDS:
        return "The StartDate you specify cannot be earlier than 5 minutes ago."
    if start is not None and end is not None and end <= start:
        return "The EndDate must be after the StartDate."
    return None
