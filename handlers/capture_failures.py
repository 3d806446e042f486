"""Capture failed asynchronous invocations of the team's functions: up to ten invocation records at a time."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.log_context import concerns_run, log_context
from handlers.domain.starting.captures import CaptureResult, capture
from handlers.domain.starting.invocation_record import InvocationRecord
from handlers.settings import ENDED_RUNS, INVOKABLE, RECORDED_RUNS, check_environment
from handlers.telemetry import Metric, count, entry_point, log_fault, logger
from handlers.wiring import wiring

READS = (*ENDED_RUNS, *RECORDED_RUNS, *INVOKABLE)
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
    with log_context(messageId=record.message_id):
        try:
            for captured in capture(InvocationRecord.read(record.body), wiring.capture_deps):
                count(METRICS[captured.result])
                if captured.run is not None:
                    concerns_run(captured.run.id, captured.run.lineage_id)
                    logger.info("failure", extra={"result": captured.result, "errorCode": captured.run.error_code})
        except Exception as fault:
            count(Metric.FAILURES_NOT_CAPTURED)
            log_fault(fault)
            raise


@entry_point
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=capture_message, processor=processor, context=context)
