"""Every minute: no open run or batch is forgotten, no trigger left half-changed, and no content half-erased."""

from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.batches.batch import Batch
from handlers.domain.batches.restarting import restart
from handlers.domain.process_each import process_each
from handlers.domain.registry.trigger_sync import SyncResult, repair_triggers
from handlers.domain.upkeep.erasures import ErasureResult, complete_erasures
from handlers.domain.upkeep.recovery import RecoveryResult, end_undeliverable, recover_overdue
from handlers.settings import ENDED_RUNS, TRIGGER_SOURCES, check_environment
from handlers.telemetry import entry_point, log_fault, logger
from handlers.wiring import wiring

READS = (
    *(*ENDED_RUNS, *TRIGGER_SOURCES, "run_queue_url", "dead_letter_queue_url", "max_concurrent_executions"),
    *("batches_arn", "retention_days", "audit_retention_days"),
)
check_environment(READS)


class BatchResult(StrEnum):
    RESTARTED = "batch goes on"
    MOVED_ON = "batch moved on by itself"
    FAILED = "batch could not go on"


# What is left when time runs out is still overdue a minute later.
RESERVE_MS = 10_000
# Of a pass, for what is rarely there: it must not wait for as long as there are many overdue runs.
SHARE_MS = 10_000
Results = Counter[RecoveryResult] | Counter[SyncResult] | Counter[ErasureResult] | Counter[BatchResult]
Job = Callable[[Callable[[], bool]], Results]


@entry_point
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many runs and batches were overdue, and triggers and erasures unfinished, by result.

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
    attempt(_restart_batches, until=time_left() - SHARE_MS)
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


def _restart_batches(has_time: Callable[[], bool]) -> Counter[BatchResult]:
    def restarted(batch: Batch) -> BatchResult:
        return BatchResult.RESTARTED if restart(batch, wiring.restart_deps) else BatchResult.MOVED_ON

    return process_each(
        wiring.batches.overdue(),
        restarted,
        failed=BatchResult.FAILED,
        has_time=has_time,
        report=lambda fault, batch: log_fault(fault, batchId=batch.id),
    )


def _recover_runs(has_time: Callable[[], bool]) -> Counter[RecoveryResult]:
    return recover_overdue(wiring.watchdog_deps, has_time=has_time, report=lambda fault, _: log_fault(fault))
