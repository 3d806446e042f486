"""Execute runs: up to ten messages at a time, concurrently, because all this door does is wait for functions."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aws_lambda_powertools.utilities.batch import AsyncBatchProcessor, EventType, async_process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from handlers.domain.runs.execution import MAX_AT_ONCE, execute
from handlers.domain.runs.recording import from_message
from handlers.log import log_fault, logger
from handlers.settings import check_environment
from handlers.wiring import wiring

check_environment(__name__)

processor = AsyncBatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
threads = ThreadPoolExecutor(MAX_AT_ONCE)


def execute_message(record: SQSRecord) -> None:
    """A message that cannot be understood fails, and ends in the dead-letter queue after its deliveries."""
    try:
        run_id = from_message(record.body)
        verdict = execute(run_id, wiring.executor)
    except Exception as fault:
        log_fault(fault, messageId=record.message_id)
        raise
    logger.info("run", extra={"runId": run_id, "verdict": verdict})


async def in_a_thread(record: SQSRecord) -> None:
    await asyncio.get_running_loop().run_in_executor(threads, execute_message, record)


@logger.inject_lambda_context
def lambda_handler(event: dict[str, Any], context: LambdaContext) -> Any:
    _ = wiring.executor  # made once, before there are threads that would each make their own
    return async_process_partial_response(event, in_a_thread, processor, context)
