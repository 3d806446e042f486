"""What EventBridge Scheduler does with a schedule's input, and with a schedule that was changed."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack.services import scheduler


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


def forget_firing(group: str, name: str) -> None:
    """A schedule that was changed, or deleted and made anew, counts from then on."""
    for key in [key for key in scheduler._schedule_last_fired if key[2] == f"{group}/{name}"]:  # noqa: SLF001
        del scheduler._schedule_last_fired[key]  # noqa: SLF001
