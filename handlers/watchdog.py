"""Every minute: no open run is forgotten, no trigger left half-changed, and no content half-erased."""

from collections import Counter
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.registry.trigger_sync import SyncResult, repair_triggers
from handlers.domain.upkeep.erasures import ErasureResult, complete_erasures
from handlers.domain.upkeep.recovery import RecoveryResult, end_undeliverable, recover_overdue
from handlers.settings import ENDED_RUNS, TRIGGER_SOURCES, check_environment
from handlers.telemetry import entry_point, log_fault, logger
from handlers.wiring import wiring

READS = (*ENDED_RUNS, *TRIGGER_SOURCES, "run_queue_url", "dead_letter_queue_url", "max_concurrent_executions")
check_environment(READS)

# What is left when time runs out is still overdue a minute later.
RESERVE_MS = 10_000
# Of a pass, for what is rarely there: it must not wait for as long as there are many overdue runs.
SHARE_MS = 10_000
Job = Callable[[Callable[[], bool]], Counter[RecoveryResult] | Counter[SyncResult] | Counter[ErasureResult]]


@entry_point
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many runs were overdue, and triggers and erasures unfinished, by result.

    A job that breaks off is reported, and raised once the others are done: Lambda counts it as an error.
    """
    time_left = context.get_remaining_time_in_millis
    done: Counter[str] = Counter()
    broken: list[Exception] = []

    def attempt(job: Job, *, until: int) -> None:
        try:
            done.update(job(lambda: time_left() > until))
        except Exception as fault:  # noqa: BLE001 - it must not keep the other jobs waiting
            log_fault(fault)
            broken.append(fault)

    attempt(_process_dead_letters, until=time_left() - SHARE_MS)
    attempt(_repair_triggers, until=time_left() - SHARE_MS)
    attempt(_complete_erasures, until=time_left() - SHARE_MS)
    attempt(_recover_runs, until=RESERVE_MS)
    if done:
        logger.info("overdue", extra={"done": dict(done)})
    if broken:
        raise ExceptionGroup("a pass broke off", broken)
    return dict(done)


def _process_dead_letters(has_time: Callable[[], bool]) -> Counter[RecoveryResult]:
    return end_undeliverable(wiring.watchdog_deps, has_time=has_time, report=lambda fault, _: log_fault(fault))


def _repair_triggers(has_time: Callable[[], bool]) -> Counter[SyncResult]:
    return repair_triggers(
        wiring.registry,
        wiring.sources,
        has_time=has_time,
        report=lambda fault, trigger_id: log_fault(fault, triggerId=trigger_id),
    )


def _complete_erasures(has_time: Callable[[], bool]) -> Counter[ErasureResult]:
    return complete_erasures(wiring.erase_deps, has_time=has_time, report=lambda fault, _: log_fault(fault))


def _recover_runs(has_time: Callable[[], bool]) -> Counter[RecoveryResult]:
    return recover_overdue(wiring.watchdog_deps, has_time=has_time, report=lambda fault, _: log_fault(fault))
