"""Capture failed asynchronous invocations: the way in for functions that nobody starts through this service.

Lambda tells of them in an invocation record, sent to the function's on-failure destination. Those of a function that is
registered with `captureFailures` become runs that have failed already and can be re-run; of all others nothing is kept.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from handlers.domain import clock
from handlers.domain.errors import InvalidRequest
from handlers.domain.function_arns import InvokablePatterns, base_arn
from handlers.domain.ids import FOREIGN_ID, derived_id
from handlers.domain.json_document import JsonObject, dump
from handlers.domain.registry.registered import ComputeFunction, FunctionTrigger
from handlers.domain.runs.finish import EVENT_DEADLINE, LifecycleBus, announce, shortened
from handlers.domain.runs.finish import Runs as FinishingRuns
from handlers.domain.runs.outcome import Outcome, error_name
from handlers.domain.runs.recording import Retention, SealedParts, label
from handlers.domain.runs.run import ExecutionSource, FunctionRun, Part, Pin
from handlers.domain.seal import Cipher
from handlers.domain.starting.start import Cause, new_run

LATEST = "$LATEST"
# The condition of a record for an on-success destination.
SUCCESS = "Success"
_VERSION = re.compile(r"[0-9]{1,20}")


class _Told(BaseModel):
    """Of a record we read what we need, and leave the rest to AWS's next release."""

    model_config = ConfigDict(alias_generator=to_camel, strict=True, frozen=True, hide_input_in_errors=True)


class _RequestContext(_Told):
    request_id: str = Field(pattern=FOREIGN_ID)
    function_arn: str
    condition: str = ""


class _ResponseContext(_Told):
    executed_version: str = ""


class InvocationRecord(_Told):
    request_context: _RequestContext
    request_payload: Any
    response_context: _ResponseContext | None = None
    response_payload: Any = None

    @classmethod
    def read(cls, document: JsonObject) -> "InvocationRecord":
        """The record, alone or as the detail of an EventBridge event. Raises InvalidRequest."""
        detail = document.get("detail")
        try:
            return cls.model_validate(detail if isinstance(detail, dict) else document)
        except ValidationError as error:
            field = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))[:100]
            raise InvalidRequest(field, "does not have the form of Lambda's invocation records.") from None


class CapturingFunction(NamedTuple):
    """A function that wants its failures captured, and the trigger that they belong to."""

    function: ComputeFunction
    trigger: FunctionTrigger


class Registry(Protocol):
    def read_capturing(self, base_function_arn: str) -> list[CapturingFunction]:
        """What is registered for the Lambda of this ARN, in any workspace."""


class Runs(FinishingRuns, Protocol):
    def record(self, run: FunctionRun, parts: SealedParts) -> bool: ...


class Capturer(NamedTuple):
    """What capturing needs."""

    runs: Runs
    registry: Registry
    cipher: Cipher
    bus: LifecycleBus
    retention: Retention
    invokable: InvokablePatterns


class Captured(StrEnum):
    CAPTURED = "captured"
    AGAIN = "captured before"
    NOT_REGISTERED = "not registered"
    NO_FAILURE = "no failure"


def capture(record: InvocationRecord, using: Capturer) -> list[Captured]:
    """One run for each workspace that has registered the function so. Raises Unavailable."""
    if record.request_context.condition == SUCCESS:
        return [Captured.NO_FAILURE]
    invoked = record.request_context.function_arn
    # The context may have been narrowed since: then its failures are no longer this workspace's to see.
    permitted = [
        each
        for each in using.registry.read_capturing(base_arn(invoked))
        if using.invokable.allows(each.function.workspace, invoked)
    ]
    capturing = _one_for_each_workspace(permitted, invoked)
    return [_capture(record, each, using) for each in capturing] or [Captured.NOT_REGISTERED]


def _one_for_each_workspace(capturing: list[CapturingFunction], invoked_arn: str) -> Iterable[CapturingFunction]:
    """A workspace may have registered several aliases: the one that was invoked, or else the function itself."""
    invoked_arn = invoked_arn.removesuffix(f":{LATEST}")

    def rank(each: CapturingFunction) -> tuple[Any, ...]:
        function = each.function
        is_another = function.function_arn != invoked_arn
        is_alias = function.function_arn != base_arn(function.function_arn)
        return is_another, is_alias, function.created_at, function.id

    best = {each.function.workspace: each for each in sorted(capturing, key=rank, reverse=True)}
    return best.values()


def _capture(record: InvocationRecord, capturing: CapturingFunction, using: Capturer) -> Captured:
    outcome = _outcome(record)
    run = _run_of(record, capturing, outcome, using.retention, clock.now())
    parts = {part: using.cipher.seal(text, label(run, part)) for part, text in _contents(record, outcome).items()}
    if not using.runs.record(run, parts):
        return Captured.AGAIN
    announce(run, using)
    return Captured.CAPTURED


def _outcome(record: InvocationRecord) -> Outcome:
    if record.response_payload is None:
        # Never executed, or not to its end: the condition is all there is to tell.
        condition = error_name(record.request_context.condition) or "Failed"
        return Outcome.of_error(condition, "Lambda gave the invocation up.")
    # In ASCII, whatever half characters the function has put into its message.
    return Outcome.of_failed_invocation(json.dumps(record.response_payload).encode())


def _run_of(
    record: InvocationRecord, capturing: CapturingFunction, outcome: Outcome, retention: Retention, at: datetime
) -> FunctionRun:
    context = record.request_context
    run_id = derived_id("captured", capturing.function.id, context.request_id)
    pin, reported = _version(record)
    begun = new_run(
        capturing.trigger, capturing.function, Cause(ExecutionSource.CAPTURED, {}, run_id=run_id), retention, at
    )
    return begun.evolve(
        status=outcome.status,
        error_code=outcome.error_code,
        error_source=outcome.error_source,
        pin=pin,
        reported_version=reported,
        ended_at=at,
        event_pending=True,
        deadline=at + EVENT_DEADLINE,
    )


def _version(record: InvocationRecord) -> tuple[Pin | None, str | None]:
    """The version that was executed, pinned if it is one that stays; `$LATEST` moves on with each deploy."""
    version = record.response_context.executed_version if record.response_context else ""
    if not _VERSION.fullmatch(version):
        return None, LATEST if version == LATEST else None
    arn = f"{base_arn(record.request_context.function_arn)}:{version}"
    return Pin(function_version_arn=arn, function_version=version), None


def _contents(record: InvocationRecord, outcome: Outcome) -> dict[Part, bytes]:
    contents = {Part.ERROR: shortened(outcome.error) or b""}
    # Too large, say. The failure is worth knowing even so; a re-run answers that no parameters are stored.
    with suppress(InvalidRequest):
        contents[Part.PARAMETERS] = dump(record.request_payload, field="requestPayload")
    return contents
