"""Execute a run: one message a call, so that a slow run holds no place but its own."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.log_context import log_context
from handlers.domain.runs.execution import execute
from handlers.domain.runs.recording import from_message
from handlers.settings import ENDED_RUNS, INVOKABLE, check_environment
from handlers.telemetry import entry_point, log_fault, logger
from handlers.wiring import wiring

READS = (
    *(*ENDED_RUNS, *INVOKABLE, "input_key_arn", "run_queue_url"),
    *("delete_unused_versions", "max_concurrent_executions_per_workspace"),
)
check_environment(READS)

# A message that fails is reported, not raised: for a function error Lambda takes concurrency away from the queue, and
# for the failure of an item it does not. Either way the message comes again, and ends in the dead-letter queue.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def execute_message(record: SQSRecord) -> None:
    """A message that cannot be understood fails, and ends in the dead-letter queue after its deliveries."""
    with log_context(messageId=record.message_id):
        try:
            result, run = execute(from_message(record.body), wiring.execution_deps)
        except Exception as fault:
            log_fault(fault)
            raise
        ended = {} if run is None else {"status": run.status, "errorCode": run.error_code}
        logger.info("run", extra={"result": result, **ended})


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=execute_message, processor=processor, context=context)
