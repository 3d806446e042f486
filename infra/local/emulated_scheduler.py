"""What EventBridge Scheduler does with a schedule's input, and with a schedule that was changed."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

# In `_tick_schedules`. `due` is the moment the schedule was for, `last` the one from which it counts on: an interval
# counts from moment to moment, for it would drift with the ticks, and of several that were missed the last one comes.
NOMINAL_MOMENTS = {
    "            one_shot = False\n": "            one_shot, due, last = False, now, now\n",
    "                one_shot = True\n": "                one_shot, due = True, at_epoch\n",
    "                    if now - _schedule_last_fired[state_key] < interval:\n                        continue\n": (
        "                    last = _schedule_last_fired[state_key]\n"
        "                    if now - last < interval:\n"
        "                        continue\n"
        "                    due = last = last + (now - last) // interval * interval\n"
    ),
    "                    if next_fire is None or now_dt < next_fire:\n                        continue\n": (
        "                    if next_fire is None or now_dt < next_fire:\n"
        "                        continue\n"
        "                    due = next_fire.timestamp()\n"
    ),
    '            _schedule_last_fired[state_key] = now\n            target = sched.get("Target") or {}\n': (
        "            _schedule_last_fired[state_key] = last\n"
        '            target = target_at(sched.get("Target") or {}, sched, due)\n'
    ),
}
HEEDED_CHANGES = {
    '            expr = sched.get("ScheduleExpression", "")\n': (
        '            expr = sched.get("ScheduleExpression", "")\n            forget_if_changed(state_key, sched)\n'
    ),
    'sched.get("CreationDate", now)': 'sched.get("LastModificationDate", now)',
}


def target_at(target: dict[str, Any], schedule: dict[str, Any], scheduled: float) -> dict[str, Any]:
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


class Memory:
    """Which schedule it is that fired: what is remembered by name alone outlives a change or a deletion."""

    def __init__(self, last_fired: dict[Any, float]) -> None:
        self._last_fired = last_fired
        self._versions: dict[Any, tuple[Any, Any]] = {}

    def forget_if_changed(self, key: Any, schedule: dict[str, Any]) -> None:
        expression = schedule["ScheduleExpression"]
        # A moment that has come does not come again because, say, the target was changed.
        is_once = expression.strip().startswith("at(")
        version = schedule["CreationDate"], expression if is_once else schedule["LastModificationDate"]
        if self._versions.get(key) != version:
            self._last_fired.pop(key, None)
            self._versions[key] = version
