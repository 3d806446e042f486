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
# Of a pass, for what is rarely there: it must not wait for as long as there are many overdue runs.
SHARE_MS = 10_000


@logger.inject_lambda_context
def lambda_handler(_: Any, context: LambdaContext) -> dict[str, int]:
    """Gives how many runs were overdue and triggers unfinished, by remedy."""
    time_left = context.get_remaining_time_in_millis
    done: Counter[str] = Counter()
    letters_until = time_left() - SHARE_MS
    done.update(
        end_undeliverable(
            wiring.watchdog,
            has_time=lambda: time_left() > letters_until,
            report=lambda fault, run_id: log_fault(fault, runId=run_id),
        )
    )
    triggers_until = time_left() - SHARE_MS
    done.update(
        repair_triggers(
            wiring.registry,
            wiring.sources,
            has_time=lambda: time_left() > triggers_until,
            report=lambda fault, trigger_id: log_fault(fault, triggerId=trigger_id),
        )
    )
    done.update(
        recover_overdue(
            wiring.watchdog,
            has_time=lambda: time_left() > RESERVE_MS,
            report=lambda fault, run: log_fault(fault, runId=run.id),
        )
    )
    if done:
        logger.info("overdue", extra={"done": dict(done)})
    return dict(done)
