"""Every minute: no open run is forgotten, and no trigger left half-changed."""

from collections import Counter
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.registry.trigger_arming import repair_triggers
from handlers.domain.upkeep.recovery import end_undeliverable, recover_overdue
from handlers.log import log_fault, logger
from handlers.wiring import wiring

# What is left when time runs out is still overdue a minute later.
RESERVE_MS = 10_000


@logger.inject_lambda_context
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many runs were overdue and triggers unfinished, by remedy."""

    def has_time() -> bool:
        return context.get_remaining_time_in_millis() > RESERVE_MS

    done: Counter[str] = Counter()
    done.update(
        recover_overdue(wiring.watchdog, has_time=has_time, report=lambda fault, run: log_fault(fault, runId=run.id))
    )
    done.update(
        end_undeliverable(
            wiring.watchdog, has_time=has_time, report=lambda fault, run_id: log_fault(fault, runId=run_id)
        )
    )
    done.update(
        repair_triggers(
            wiring.registry,
            wiring.sources,
            has_time=has_time,
            report=lambda fault, trigger_id: log_fault(fault, triggerId=trigger_id),
        )
    )
    if done:
        logger.info("overdue", extra={"done": dict(done)})
    return dict(done)
