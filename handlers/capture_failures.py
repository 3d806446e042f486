"""Capture failed asynchronous invocations of the team's functions: up to ten invocation records at a time."""

from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.starting.captures import Captured, capture
from handlers.domain.starting.invocation_record import InvocationRecord
from handlers.log import log_fault, logger
from handlers.wiring import wiring

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
metrics = Metrics()
NOT_CAPTURED = "FailuresNotCaptured"
METRICS = {
    Captured.CAPTURED: "FailuresCaptured",
    Captured.AGAIN: "FailuresCapturedBefore",
    Captured.NOT_REGISTERED: "FailuresOfUnregisteredFunctions",
    Captured.NOT_PERMITTED: "FailuresNotPermitted",
    Captured.NO_FAILURE: "SuccessesPassedOver",
}


def capture_message(record: SQSRecord) -> None:
    """A message that cannot be understood fails, and ends in the dead-letter queue after its deliveries."""
    try:
        failed = InvocationRecord.read(record.body)
        for captured in capture(failed, wiring.capturer):
            metrics.add_metric(METRICS[captured], MetricUnit.Count, 1)
    except Exception as fault:
        metrics.add_metric(NOT_CAPTURED, MetricUnit.Count, 1)
        log_fault(fault, messageId=record.message_id)
        raise


@logger.inject_lambda_context
@metrics.log_metrics
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return process_partial_response(event=event, record_handler=capture_message, processor=processor, context=context)
