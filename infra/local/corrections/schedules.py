"""EventBridge Scheduler: what it takes, and when a schedule is due."""

from ministack.services import scheduler

from infra.local import emulated_scheduler
from infra.local.corrections.rewriting import EmulatorChanged, require, rewrite_function


def a_schedule_hands_over_placeholders() -> None:
    """The product needs the moment a schedule was for, not the one of the emulator's tick."""
    vars(scheduler)["target_at"] = emulated_scheduler.target_at
    defect = "a schedule hands over placeholders"
    rewrite_function(defect, scheduler, "_tick_schedules", emulated_scheduler.NOMINAL_MOMENTS)


def a_changed_schedule_never_fires_again() -> None:
    defect = "a changed schedule never fires again"
    require(defect, scheduler._delete_schedule, "del _schedules[key]\n    _tags.pop(arn, None)\n\n    return")  # noqa: SLF001
    require(defect, scheduler._update_schedule, '"LastModificationDate": _now(),\n    }\n\n    return')  # noqa: SLF001
    memory = emulated_scheduler.Memory(scheduler._schedule_last_fired)  # noqa: SLF001
    vars(scheduler)["forget_if_changed"] = memory.forget_if_changed
    rewrite_function(defect, scheduler, "_tick_schedules", emulated_scheduler.HEEDED_CHANGES)


def a_schedule_waits_ten_seconds_for_its_tick() -> None:
    """AWS is no more precise; but tests and the demo would only wait."""
    if scheduler._SCHEDULE_TICK_INTERVAL != 10:  # noqa: SLF001, PLR2004
        raise EmulatorChanged("a schedule waits ten seconds for its tick")
    scheduler._SCHEDULE_TICK_INTERVAL = 1  # noqa: SLF001
