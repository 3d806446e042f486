"""Capture failed asynchronous invocations of the team's functions: up to ten invocation records at a time."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.starting.captures import CaptureResult, capture
from handlers.domain.starting.invocation_record import InvocationRecord
from handlers.log import log_fault, logger
from handlers.metrics import Metric, count
from handlers.settings import ENDED_RUNS, INVOKABLE, check_environment
from handlers.wiring import wiring

READS = (*ENDED_RUNS, "retention_days", *INVOKABLE)
check_environment(READS)

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
METRICS = {
    CaptureResult.CAPTURED: Metric.FAILURES_CAPTURED,
    CaptureResult.AGAIN: Metric.FAILURES_CAPTURED_BEFORE,
    CaptureResult.NOT_REGISTERED: Metric.FAILURES_OF_UNREGISTERED_FUNCTIONS,
    CaptureResult.NOT_PERMITTED: Metric.FAILURES_NOT_PERMITTED,
    CaptureResult.NO_FAILURE: Metric.SUCCESSES_PASSED_OVER,
}


def capture_message(record: SQSRecord) -> None:
    """A message that cannot be understood fails, and ends in the dead-letter queue after its deliveries."""
    try:
        failed = InvocationRecord.read(record.body)
        for captured in capture(failed, wiring.capture_deps):
            count(METRICS[captured])
    except Exception as fault:
        count(Metric.FAILURES_NOT_CAPTURED)
        log_fault(fault, messageId=record.message_id)
        raise


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=capture_message, processor=processor, context=context)
