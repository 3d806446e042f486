"""A run has failed whose trigger retries: retry it, or note that it is not to be.

EventBridge calls this function asynchronously with the `Function Run Failed` events of such runs. What fails for now is
raised, and Lambda tries again; what is lost all the same is published again by the watchdog.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.errors import InvalidRequest
from handlers.domain.ids import parse_run_id
from handlers.domain.starting.retry import retry
from handlers.settings import INVOKABLE, STARTED_RUNS, check_environment
from handlers.telemetry import event_entry_point, logger
from handlers.wiring import wiring

READS = (*STARTED_RUNS, *INVOKABLE)
check_environment(READS)


@event_entry_point
def lambda_handler(event: Any, _: LambdaContext) -> dict[str, str]:
    """Gives what became of the failure, or why the event is none of one."""
    result, failed = retry(failed_run_id(event), wiring.runs, wiring.rerun_deps, wiring.start_deps)
    logger.info("failure", extra={"result": result, "errorCode": failed.error_code if failed else None})
    return {"result": result}


def failed_run_id(event: Any) -> str:
    """Raises InvalidRequest or InvalidRunId."""
    try:
        return parse_run_id(str(event["detail"]["functionRunId"]))
    except (KeyError, TypeError):
        raise InvalidRequest("event", "is not a Function Run Failed event.") from None
