"""A schedule's time has come, or a rule has matched an event: start the run of its trigger.

What can never start a run is counted, for an alarm, and its reason logged.
"""

import sys
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.log_context import add_ids
from handlers.domain.starting.deliveries import Dropped, deliver, read_delivery
from handlers.settings import STARTED_RUNS, check_environment
from handlers.telemetry import Metric, count, event_entry_point, logger
from handlers.wiring import wiring

READS = (*STARTED_RUNS, "other_buses")
check_environment(READS)

# Lambda's runtime reads the event in this process, and by default Python reads integers of 4,300 digits at most; but
# nobody can correct an event. An event is a megabyte at most: three such integers, read in seconds.
sys.set_int_max_str_digits(300_000)


@event_entry_point
def lambda_handler(event: Any, _: LambdaContext) -> dict[str, str]:
    """Gives the run's id, or why there is none."""
    delivery = read_delivery(event)
    add_ids(triggerId=delivery.trigger_id)
    started = deliver(delivery, wiring.registry, wiring.start_deps, buses=wiring.buses)
    if isinstance(started, Dropped):
        count(Metric.EVENTS_PASSED_OVER if started.is_intended else Metric.EVENTS_LOST)
        logger.warning("delivery dropped", extra={"reason": started})
        return {"dropped": started}
    logger.info("run")
    return {"jobId": started.id}
