"""Failed asynchronous invocations as Lambda tells of them, and a function that wants them captured."""

from typing import Any

from handlers.domain.json_document import compact_any
from handlers.domain.registry.entities import CaptureFailures
from handlers.domain.runs.run import FunctionRun
from handlers.domain.starting.captures import CaptureResult, capture
from handlers.domain.starting.invocation_record import InvocationRecord
from tests.builders import FUNCTION_ARN, TRIGGER_ID, a_function, a_trigger
from tests.fakes import World

Json = dict[str, Any]
REQUEST_ID = "e4b46cbf-b738-xmpl-8880-a18cdf61200e"
ERROR = {"errorType": "ValueError", "errorMessage": "no such order: hush", "stackTrace": ["line 1"]}


def a_record(context: Json | None = None, response: Json | None = None, **changes: Any) -> Json:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
    literals = {
        "version": "1.0",
        "timestamp": "2026-11-22T09:29:00.000Z",
        "requestContext": {
            "requestId": REQUEST_ID,
            "functionArn": f"{FUNCTION_ARN}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        }
        | (context or {}),
        "requestPayload": {"order": 1.0},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}
        | (response or {}),
        "responsePayload": ERROR,
    }
    return literals | changes


def has_capturing(world: World, **of_function: Any) -> None:
    function = a_function(capture_failures=CaptureFailures(trigger_id=TRIGGER_ID), **of_function)
    world.has_registered(a_trigger())
    world.registry.functions = {function.id: function}


def captured(world: World, record: Json | str) -> list[CaptureResult]:
    """What comes of a record: of a text, or of what is written as one."""
    return [each.result for each in capture(read(record), world.capture_deps)]


def read(record: Json | str) -> InvocationRecord:
    return InvocationRecord.read(record if isinstance(record, str) else compact_any(record))


def with_payload(payload: str, **changes: Any) -> str:
    """The text of a record whose payload is this text, of whatever kind."""
    return compact_any(a_record(**changes, requestPayload="payload")).replace('"payload"', payload)


def the_run(world: World, record: Json | str | None = None) -> FunctionRun:
    """The one run that the record is captured as."""
    assert captured(world, a_record() if record is None else record) == [CaptureResult.CAPTURED]
    (run,) = world.runs.runs.values()
    return run
